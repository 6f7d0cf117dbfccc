"""A customer as one who buys: which purchase was the first."""

from msgspec import msgpack

from schemas.purchase import PurchaseCompleted
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind
from stream.facts import FirstPurchase
from stream.segments import Values


class Shopper(Case):
    """``event`` is the id of the first purchase; empty before there is one."""

    event: str

    def encode(self) -> bytes:
        return _encode(self)


class ShopperKind(Kind[Shopper]):
    """Customers who have bought something. Of two purchases at the same moment, that with the smaller id is first."""

    title = "shopper"
    prefix = b"h"
    events = (PurchaseCompleted,)
    widths = (0,)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return ()

    def begin(self, event: Touchpoint, values: Values) -> Shopper:
        return Shopper(0, (), "")

    def take(self, case: Shopper, event: Touchpoint, values: Values) -> Contributions | None:
        if case.counted and (event.time_ms, event.id) >= (case.counted[0].time_ms, case.event):
            return case.counted
        case.event = event.id
        return (Contribution(event.time_ms, values, FirstPurchase()),)

    def join(self, case: Shopper, other: Shopper) -> Contributions:
        if _when(other) < _when(case):
            case.event = other.event
            return other.counted
        return case.counted

    @staticmethod
    def decode(data: bytes) -> Shopper:
        return _decode(data)


def _when(shopper: Shopper) -> tuple[int, str]:
    return shopper.counted[0].time_ms, shopper.event


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Shopper).decode
