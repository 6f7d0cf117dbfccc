"""Which touchpoints leave a mark, and what it says."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from schemas.account import AccountCancelled, AccountConverted, TrialStarted
from schemas.call import CallAnswered, CallEnded, CallStarted
from schemas.chat import ChatEnded, ChatHandedOff, ChatMessage, ChatStarted
from schemas.email import EmailClicked, EmailOpened, EmailReceived, EmailSent
from schemas.purchase import PurchaseCompleted, PurchaseFailed
from schemas.survey import DEFAULT_SCALES, SurveyAnswered
from schemas.ticket import TicketClosed, TicketMerged, TicketOpened, TicketReopened, TicketReplied, TicketResolved
from schemas.touchpoint import Touchpoint
from schemas.visit import AppUsed, CartChanged, ErrorSeen, LoadTimed, PageViewed
from stream.config import NORMAL
from stream.friction import mark
from stream.friction.mark import Mark
from stream.segments import Values

Said = tuple[str, str | None, int, str | None]
"""The kind of a mark, its key, its number and its note."""
UNSAID = -1
"""The number of a call that was answered, where it does not say how long the customer had waited."""


def _chat(event: ChatStarted) -> Said:
    """Key: the session; note: the priority."""
    return mark.CHAT, event.session, 0, event.priority or NORMAL


def _call(event: CallStarted) -> Said | None:
    return (mark.CALL, event.session, 0, event.priority or NORMAL) if event.by_customer else None


def _word(event: ChatMessage) -> Said | None:
    """Key: the session."""
    if event.author == "customer":
        return None
    return (mark.PERSON if event.author == "agent" else mark.BOT), event.session, UNSAID, None


def _answered(event: CallAnswered) -> Said:
    """Key: the session; number: the wait in milliseconds, as the source says."""
    return mark.TAKEN, event.session, UNSAID if event.wait_ms is None else event.wait_ms, None


def _session(kind: str) -> Callable[[Touchpoint], Said]:
    return lambda event: (kind, event.session, 0, None)


def _opened(event: TicketOpened) -> Said:
    """Number: 1 where it was not the customer; note: the priority."""
    return mark.OPENED, None, 0 if event.by_customer else 1, event.priority or NORMAL


def _reopened(event: TicketReopened) -> Said:
    return mark.REOPENED, None, 0 if event.by_customer else 1, None


def _replied(event: TicketReplied) -> Said | None:
    if event.author == "customer":
        return mark.WROTE, None, 0, None
    return (mark.REPLIED, None, 0, None) if event.author == "agent" and event.public else None


def _survey(event: SurveyAnswered) -> Said:
    """Key: the survey; number: the score; note: its scale. The kind is what the survey asks for."""
    scale = event.scale or DEFAULT_SCALES[event.kind]
    return event.kind, event.survey, event.score, f"{scale.min} {scale.max}"


def _cart(event: CartChanged | PurchaseCompleted) -> str:
    """What a cart is known by, as in the metrics."""
    if event.cart is not None:
        return f"cart {event.cart}"
    return "" if event.session is None else f"session {event.session}"


def _changed(event: CartChanged) -> Said | None:
    """Key: the cart."""
    return None if event.action == "viewed" else (mark.CART, _cart(event), 0, None)


def _paid(event: PurchaseCompleted) -> Said:
    """Key: the order; note: the cart."""
    return mark.PAID, event.order, 0, _cart(event)


def _sent(event: EmailSent) -> Said:
    """Key: what makes it the same message as another one, where nobody asked for it."""
    if event.ticket is not None or (event.campaign is None and event.subject is None):
        return mark.SENT, None, 0, None
    named = (("campaign", event.campaign), ("subject", event.subject))
    return mark.SENT, ", ".join(f"{name} {_quoted(text)}" for name, text in named if text is not None), 0, None


def _quoted(text: str) -> str:
    """A text that ends where it seems to, whatever is in it."""
    return orjson.dumps(text).decode()


def _error(event: ErrorSeen) -> Said:
    """Key: the error; number: 1 where it was a crash; note: the device."""
    return mark.ERROR, event.error, int(event.crash), event.device


def _account(kind: str) -> Callable[[Any], Said]:
    return lambda event: (kind, event.account or "", 0, None)


def _trial(event: TrialStarted) -> Said:
    """Key: the account; number: when the trial ends, 0 where it does not say."""
    return mark.TRIAL, event.account or "", event.ends_ms or 0, None


_SAYS: Mapping[type[Touchpoint], Callable[[Any], Said | None]] = {
    ChatStarted: _chat,
    CallStarted: _call,
    EmailReceived: lambda event: (mark.MAIL, event.session, 0, None),
    ChatMessage: _word,
    CallAnswered: _answered,
    ChatHandedOff: _session(mark.HANDED),
    ChatEnded: _session(mark.ENDED),
    CallEnded: _session(mark.ENDED),
    TicketOpened: _opened,
    TicketReopened: _reopened,
    TicketReplied: _replied,
    TicketResolved: lambda event: (mark.RESOLVED, None, 0, None),
    TicketClosed: lambda event: (mark.CLOSED, None, 0, None),
    TicketMerged: lambda event: (mark.MERGED, None, 0, None),
    SurveyAnswered: _survey,
    CartChanged: _changed,
    PurchaseCompleted: _paid,
    PurchaseFailed: lambda event: (mark.FAILED, event.order, 0, event.error),
    EmailSent: _sent,
    EmailOpened: _session(mark.READ),
    EmailClicked: _session(mark.READ),
    ErrorSeen: _error,
    TrialStarted: _trial,
    AccountConverted: _account(mark.SUBSCRIBED),
    AccountCancelled: _account(mark.CANCELLED),
}


def markers(slow_ms: int) -> dict[type[Touchpoint], Callable[[Any], Said | None]]:
    """What touchpoints say, by their type; None where it is nothing. A load of ``slow_ms`` or more is slow."""

    def viewed(event: PageViewed | AppUsed | LoadTimed) -> Said | None:
        """Key: the page or screen; number: milliseconds."""
        load_ms = event.load_ms
        if load_ms is None or load_ms < slow_ms:
            return None
        return mark.SLOW, event.screen if isinstance(event, AppUsed) else event.page, load_ms, None

    return {**_SAYS, PageViewed: viewed, AppUsed: viewed, LoadTimed: viewed}


@cache
def _tag(kind: type[Touchpoint]) -> str:
    return str(kind.__struct_config__.tag)


def marked(event: Touchpoint, values: Values, said: Said) -> Mark:
    """The mark that a touchpoint leaves."""
    _, key, number, note = said
    return Mark(event.time_ms, event.id, _tag(type(event)), event.channel, values, event.ticket, key, number, note)
