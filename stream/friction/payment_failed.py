"""A customer could not pay."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS


class PaymentFailed(Signal):
    """The customer tried to pay an order and could not, at least `times` times in the last `open_hours`.

    It holds until the order is paid. What fails in the `open_hours` after that is of no matter: the order is paid.

    Example:
        >>> from stream.friction.story import event, found
        >>> order = {"order": "o", "amount": 100, "currency": "EUR"}
        >>> found("payment_failed", event("purchase.failed", **order), event("purchase.completed", "0:05", **order))
        ['0:00 to 0:05: 1 ≥ 1, o']
        >>> found("payment_failed", event("purchase.completed", **order), event("purchase.failed", "0:05", **order))
        []
    """

    hears = (mark.FAILED,)
    calmed_by = (mark.PAID,)
    thresholds = {"times": 1, "open_hours": 24}
    unit = "times"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self.least, self._open_ms = self.set["times"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = 2 * self._open_ms  # a payment is known for as long as what failed after it

    def find(self, marks: Marks) -> Iterator[Finding]:
        tries: dict[str | None, list[Mark]] = {}
        for each in marks.get(mark.FAILED, ()):
            tries.setdefault(each.key, []).append(each)
        for order, failed in tries.items():
            paid_ms = [each.time_ms for each in marks.get(mark.PAID, ()) if each.key == order]
            runs: dict[int, list[Mark]] = {}
            for each in failed:
                if not any(at_ms < each.time_ms < at_ms + self._open_ms for at_ms in paid_ms):
                    before_ms = next((at_ms for at_ms in paid_ms if at_ms >= each.time_ms), FOREVER_MS)
                    runs.setdefault(before_ms, []).append(each)
            for before_ms, run in runs.items():
                for since_ms, until_ms, some in crowds(run, self.least, self._open_ms):
                    yield Finding(since_ms, min(until_ms, before_ms), len(some), self.least, some, order)
