"""What persona a customer has at a moment, by the customer's touchpoints alone: for who wants to look at one."""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import json

from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.customer import Customer
from stream.driver import Line, Store
from stream.fold import Fold
from stream.keeping import CUSTOMER
from stream.personas import Now, Profile, Rules
from stream.standing import PERSONA

_encode = json.Encoder().encode


def present(events: Iterable[Touchpoint], config: Config, now_ms: int) -> str | None:
    """The persona that these touchpoints of one customer, in order of arrival, have made by ``now_ms``; None for none.

    It is what is counted, but for touchpoints that the watermark of the whole partition made too late.
    """
    store: Store = {}
    fold = Fold(replace(config, segmentations=((PERSONA,),)), "", 0, store.get)
    folded = fold.process([Line(at, None, _encode(event)) for at, event in enumerate(events)], now_ms)
    found = (data for key, data in folded.changes.items() if key.startswith(CUSTOMER) and data is not None)
    profile = next((Customer.decode(data).profile for data in found), None) or Profile()
    return Rules(config.personas).persona(profile, Now(now_ms, config.calendar.day_number(now_ms)))
