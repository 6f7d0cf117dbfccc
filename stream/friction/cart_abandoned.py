"""A customer leaves a cart behind."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS, MINUTE_MS


class CartAbandoned(Signal):
    """A cart has not been bought within `minutes` of its last change.

    It holds until the cart is bought or changed again; at most for `open_hours`. Carts are told apart as in the
    metrics: by their ids, or else by the session.

    Example:
        >>> from stream.friction.story import event, found
        >>> cart = event("visit.cart", cart="c")
        >>> found("cart_abandoned", cart)
        ['1:00:00.001 to 25:00:00.001: 60 ≥ 60, cart c']
        >>> order = {"order": "o", "amount": 100, "currency": "EUR"}
        >>> found("cart_abandoned", cart, event("purchase.completed", "1:00", cart="c", **order))
        []
    """

    hears = (mark.CART,)
    calmed_by = (mark.PAID,)
    thresholds = {"minutes": 60, "open_hours": 24}
    unit = "minutes"
    severity = "info"

    def begin(self, config: Config) -> None:
        self._after_ms, self._open_ms = self.set["minutes"] * MINUTE_MS, self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._after_ms + self._open_ms + 1

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return new.time_ms + self._after_ms + 1

    def find(self, marks: Marks) -> Iterator[Finding]:
        steps: dict[str, list[tuple[int, bool, Mark]]] = {}
        for each in marks.get(mark.CART, ()):
            steps.setdefault(each.key or "", []).append((each.time_ms, False, each))
        if not steps:
            return
        for each in marks.get(mark.PAID, ()):
            if (each.note or "") in steps:
                steps[each.note or ""].append((each.time_ms, True, each))
        for name, taken in steps.items():
            taken.sort(key=_place)
            for at, (time_ms, bought, each) in enumerate(taken):
                if not bought:
                    next_ms = taken[at + 1][0] if at + 1 < len(taken) else FOREVER_MS
                    since_ms = time_ms + self._after_ms + 1
                    minutes = self.set["minutes"]
                    until_ms = min(next_ms, since_ms + self._open_ms)
                    if since_ms < until_ms:
                        yield Finding(since_ms, until_ms, minutes, minutes, (each,), name or None)


def _place(step: tuple[int, bool, Mark]) -> tuple[int, bool, str]:
    return step[0], step[1], step[2].event
