"""A customer could not pay."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS


class PaymentFailed(Signal):
    """The customer tried to pay an order and could not, at least `times` times.

    It holds until the order is paid; at most for `open_hours` since it last failed.

    Example:
        >>> from stream.friction.story import event, found
        >>> order = {"order": "o", "amount": 100, "currency": "EUR"}
        >>> found("payment_failed", event("purchase.failed", **order), event("purchase.completed", "0:05", **order))
        ['0:00 to 0:05: 1 ≥ 1, o']
    """

    hears = (mark.FAILED,)
    calmed_by = (mark.PAID,)
    thresholds = {"times": 1, "open_hours": 24}
    unit = "times"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self._number, self._open_ms = self.set["times"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._number * self._open_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        tries: dict[str | None, list[Mark]] = {}
        for each in marks.get(mark.FAILED, ()):
            tries.setdefault(each.key, []).append(each)
        for order, failed in tries.items():
            paid = [each.time_ms for each in marks.get(mark.PAID, ()) if each.key == order]
            for at, last in enumerate(failed[self._number - 1 :], self._number):
                paid_ms = min((at_ms for at_ms in paid if at_ms >= last.time_ms), default=FOREVER_MS)
                until_ms = min(last.time_ms + self._open_ms, paid_ms)
                yield Finding(last.time_ms, until_ms, at, self._number, failed[:at], order)
