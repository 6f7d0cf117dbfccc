"""The stages of a customer's journey, and what touchpoints tell of them.

A touchpoint gives a signal; how far it takes the customer depends on whether there was a purchase before it. The stage
only moves forward:

    awareness ─► consideration ─► purchase ─► retention ─► advocacy
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.account import AccountConverted, TrialStarted
from schemas.call import CallStarted
from schemas.chat import ChatMessage, ChatStarted
from schemas.email import EmailReceived
from schemas.purchase import PurchaseCompleted
from schemas.review import ReviewPosted, SocialMentioned
from schemas.survey import SurveyAnswered
from schemas.ticket import TicketOpened, TicketReopened, TicketReplied
from schemas.touchpoint import Touchpoint
from schemas.visit import AppUsed, CartChanged, PageViewed

Signal = int
AWARE, CONSIDER, BUY, ADVOCATE, CONTACT, CHAT, USE = range(7)
"""CONTACT: turning to support, CHAT: by chat, which before a purchase is a question about what to buy; USE: of the app
or the product. Plain integers, for many of them are looked at."""

SIGNALS: Mapping[str, Signal] = {
    "awareness": AWARE,
    "consideration": CONSIDER,
    "purchase": BUY,
    "advocacy": ADVOCATE,
    "contact": CONTACT,
    "chat": CHAT,
    "use": USE,
}
"""What signals are called in settings."""

LEVELS: tuple[tuple[int, int], ...] = ((0, 0), (1, 1), (2, 3), (4, 4), (0, 3), (1, 3), (0, 3))
"""How far a signal takes a customer who has not, and who has, bought something before: an index into a preset."""

PRESETS: Mapping[str, tuple[str, ...]] = {
    "five": ("awareness", "consideration", "purchase", "retention", "advocacy"),
    "four": ("awareness", "engagement", "conversion", "retention", "retention"),
}
"""What the stages are called, in order; where two have the same name they are one."""

NEW = "new"
"""Where customers are of whom no step is known."""
LAPSED = "lapsed"
"""Where customers are that nothing has been heard of for long."""
JOINED = "joined"
"""Where ids are that turned out to be another customer's, where both had come too far to be followed as one."""
STAGES = tuple(dict.fromkeys(name for names in PRESETS.values() for name in names))
"""Every stage of any preset."""


def _page(event: PageViewed) -> Signal:
    return CONSIDER if event.page.lstrip("/").startswith("product") else AWARE


def _answer(event: SurveyAnswered) -> Signal:
    return ADVOCATE if event.kind == "nps" and event.score >= 9 else AWARE


_BY_TYPE: Mapping[type[Touchpoint], Signal | Callable[[Any], Signal]] = {
    PageViewed: _page,
    AppUsed: USE,
    CartChanged: CONSIDER,
    TrialStarted: CONSIDER,
    ChatStarted: CHAT,
    ChatMessage: CHAT,
    CallStarted: CONTACT,
    EmailReceived: CONTACT,
    TicketOpened: CONTACT,
    TicketReplied: CONTACT,
    TicketReopened: CONTACT,
    PurchaseCompleted: BUY,
    AccountConverted: BUY,
    SurveyAnswered: _answer,
}
"""What a customer's touchpoints tell, by their type; all others tell of awareness."""


class Signals:
    """What touchpoints tell of a journey. ``given`` are other signals than the usual, by the type of the touchpoint."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {tag: SIGNALS[name] for tag, name in given.items()}
        self._known: dict[type, Signal | Callable[[Any], Signal]] = {}

    def of(self, event: Touchpoint) -> Signal | None:
        """The signal that an event gives; None where it is no step of a journey.

        Steps are what the customer did, and what was said about us in public, where that was good.
        """
        kind = type(event)
        if not event.by_customer:
            return ADVOCATE if kind in _PRAISE and _PRAISE[kind](event) else None
        found = self._known.get(kind)
        if found is None:
            tag = str(event.__struct_config__.tag)
            found = self._known[kind] = self._given.get(tag, _BY_TYPE.get(kind, AWARE))
        return found(event) if callable(found) else found


_PRAISE: Mapping[type, Callable[[Any], bool]] = {
    ReviewPosted: lambda event: event.rating >= 4,
    SocialMentioned: lambda event: event.sentiment == "positive",
}
