"""A cart: filled, and bought or left behind."""

from bisect import insort

from msgspec import Struct, msgpack

from schemas.purchase import PurchaseCompleted
from schemas.touchpoint import Touchpoint
from schemas.visit import CartChanged
from stream.cases.case import Contribution, Contributions, Kind, Timed
from stream.facts import CartClosed, CartRecovered
from stream.segments import Values
from stream.slices import HOUR_MS

ABANDONED_MS = HOUR_MS
"""A cart without a purchase for so long after its last change is abandoned."""
_STEPS = 32
"""Steps of one cart that may still be put in order."""


class Step(Struct, array_like=True, frozen=True, order=True):
    """The cart changed, or was ``bought``: of two at the same time, the change was first."""

    time_ms: int
    bought: bool
    event: str
    values: Values


class Cart(Timed):
    """State of one cart: what happened to it, in order of the times. Each purchase empties it."""

    steps: list[Step]

    def encode(self) -> bytes:
        return _encode(self)


class CartKind(Kind[Cart]):
    """Carts, by their ids; where none is named, by the session, and where there is none either, a customer has one."""

    title = "cart"
    prefix = b"b"
    events = (CartChanged, PurchaseCompleted)
    widths = (0, 2)
    timed = True

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        if isinstance(event, CartChanged):
            if event.action == "viewed":
                return None
        elif not isinstance(event, PurchaseCompleted):
            return None
        if event.cart is not None:
            return "cart", event.cart
        return ("session", event.session) if event.session is not None else ()

    def begin(self, event: Touchpoint, values: Values) -> Cart:
        return Cart(0, (), 0, [])

    def take(self, case: Cart, event: Touchpoint, values: Values) -> Contributions:
        insort(case.steps, Step(event.time_ms, isinstance(event, PurchaseCompleted), event.id, values), key=_when)
        while len(case.steps) > _STEPS:
            _settle(case)
        return self.counted(case)

    def counted(self, case: Cart) -> Contributions:
        """What became of it each time it was filled."""
        counted: list[Contribution] = []
        last: Step | None = None
        for step in case.steps:
            if not step.bought:
                last = step
            elif last is not None:
                counted += _closed(last, step)
                last = None
        return (*counted, *(_closed(last, None) if last is not None else ()))

    def join(self, case: Cart, other: Cart) -> Contributions:
        case.steps = sorted((*case.steps, *other.steps), key=_when)
        return self.counted(case)

    @staticmethod
    def decode(data: bytes) -> Cart:
        return _decode(data)


def _when(step: Step) -> tuple[int, bool, str]:
    return step.time_ms, step.bought, step.event


def _closed(change: Step, purchase: Step | None) -> Contributions:
    """What a cart counts as that was last changed by ``change``, where it was decided."""
    left_ms = change.time_ms + ABANDONED_MS
    if purchase is None:
        return (Contribution(left_ms, change.values, CartClosed(abandoned=True)),)
    if purchase.time_ms <= left_ms:
        return (Contribution(purchase.time_ms, change.values, CartClosed(abandoned=False)),)
    return (
        Contribution(left_ms, change.values, CartClosed(abandoned=True)),
        Contribution(purchase.time_ms, change.values, CartRecovered()),
    )


def _settle(cart: Cart) -> None:
    """The earliest step stays counted as it is, whatever comes."""
    first, second = cart.steps[:2]
    del cart.steps[0]
    if not first.bought and second.bought:
        del cart.steps[0]
        cart.settle(_closed(first, second))


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Cart).decode
