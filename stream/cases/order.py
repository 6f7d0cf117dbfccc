"""An order: paid once, and given back in part or whole."""

from msgspec import Struct, msgpack

from schemas.purchase import PurchaseCompleted, PurchaseRefunded
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind
from stream.facts import Purchased, Refunded
from stream.segments import Values

_REFUNDS = 32
"""Refunds of one order that may still be put in order."""


class Payment(Struct, array_like=True, frozen=True):
    """Money paid or given back, by the event of that id; in order of their times."""

    time_ms: int
    event: str
    values: Values
    amount: int
    currency: str
    referred: bool = False


class Order(Case):
    """State of one order. ``returned`` is what refunds gave back that are no longer among the last ``refunds``."""

    paid: Payment | None
    refunds: list[Payment]
    returned: int = 0

    def encode(self) -> bytes:
        return _encode(self)


class OrderKind(Kind[Order]):
    """Orders, by their ids. Of several completions of one order the earliest counts."""

    title = "order"
    prefix = b"o"
    events = (PurchaseCompleted, PurchaseRefunded)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return (event.order,) if isinstance(event, PurchaseCompleted | PurchaseRefunded) else None

    def begin(self, event: Touchpoint, values: Values) -> Order:
        return Order(0, (), None, [])

    def take(self, case: Order, event: Touchpoint, values: Values) -> Contributions:
        if len(case.refunds) > _REFUNDS:
            _settle(case)
        if isinstance(event, PurchaseCompleted):
            referred = event.referral is not None
            paid = Payment(event.time_ms, event.id, values, event.amount, event.currency, referred)
            case.paid = paid if case.paid is None else min(case.paid, paid, key=_when)
        elif isinstance(event, PurchaseRefunded):
            case.refunds.append(Payment(event.time_ms, event.id, values, event.amount, event.currency))
            case.refunds.sort(key=_when)
        return _counted(case)

    def join(self, case: Order, other: Order) -> Contributions:
        payments = [paid for paid in (case.paid, other.paid) if paid is not None]
        case.paid = min(payments, key=_when, default=None)
        case.refunds = sorted((*case.refunds, *other.refunds), key=_when)
        case.returned += other.returned
        return _counted(case)

    @staticmethod
    def decode(data: bytes) -> Order:
        return _decode(data)


def _when(payment: Payment) -> tuple[int, str]:
    return payment.time_ms, payment.event


def _counted(order: Order) -> Contributions:
    """The purchase, whether or not all of it came back, and of each refund as much as was left to be given back.

    What was paid in another currency, or is not known, does not limit a refund.
    """
    counted: list[Contribution] = []
    returned = order.returned
    for refund in order.refunds:
        amount = refund.amount
        if order.paid is not None and order.paid.currency == refund.currency:
            amount = min(amount, max(0, order.paid.amount - returned))
            returned += amount
        fact = Refunded(refund.currency, amount, excess=amount < refund.amount)
        counted.append(Contribution(refund.time_ms, refund.values, fact))
    if order.paid is not None:
        paid = order.paid
        whole = 0 < paid.amount <= returned
        counted.append(
            Contribution(paid.time_ms, paid.values, Purchased(paid.currency, paid.amount, paid.referred, whole))
        )
    return tuple(counted)


def _settle(order: Order) -> None:
    """The earliest refund stays counted as it is, whatever comes."""
    settled, *rest = order.counted
    refund = order.refunds.pop(0)
    if isinstance(settled.fact, Refunded) and order.paid is not None and order.paid.currency == refund.currency:
        order.returned += settled.fact.amount
    order.counted = tuple(rest)


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Order).decode
