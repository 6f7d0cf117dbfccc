"""Who has not signed in yet: visits under the id of a browser, until it turns out whose it is."""

from collections.abc import Iterable, Iterator
from random import Random

from msgspec.structs import replace

from schemas.goal import GoalReached
from schemas.identity import CustomerIdentified
from schemas.purchase import PurchaseCompleted, PurchaseFailed
from schemas.survey import SurveyAnswered
from schemas.touchpoint import Touchpoint
from schemas.visit import CartChanged, ErrorSeen, LoadTimed, PageViewed

_BROWSING = (PageViewed, LoadTimed, ErrorSeen)
"""What nobody needs to sign in for."""
_SIGNED_IN = (CartChanged, PurchaseCompleted, PurchaseFailed, SurveyAnswered, GoalReached)
"""What tells who it is."""


def browse(events: Iterable[Touchpoint], seed: int, share: float) -> Iterator[Touchpoint]:
    """The same touchpoints, but that a ``share`` of the customers browse the web site under another id at first.

    With the first touchpoint there that needs a sign-in, ``customer.identified`` says whose the id was. The same
    arguments give the same events.
    """
    known: dict[str, bool] = {}
    for event in events:
        if event.channel != "web":
            yield event
            continue
        customer = event.customer
        if customer not in known:
            known[customer] = Random(f"{seed} {customer} browses").random() >= share
        if known[customer]:
            yield event
        elif isinstance(event, _BROWSING):
            yield replace(event, customer=f"browser-{customer}")
        elif isinstance(event, _SIGNED_IN):
            known[customer] = True
            yield CustomerIdentified(
                id=f"{event.id}-sign-in",
                time_ms=event.time_ms,
                customer=customer,
                channel="web",
                segment=event.segment,
                region=event.region,
                source=event.source,
                session=event.session,
                previous=f"browser-{customer}",
            )
            yield event
        else:
            yield event
