"""A customer could not pay."""

from collections.abc import Iterator
from itertools import pairwise

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS


class PaymentFailed(Signal):
    """The customer tried to pay an order and could not, at least `times` times in the last `open_hours`.

    It holds until the order is paid.

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
        self.least, self.horizon_ms = self.set["times"], self.set["open_hours"] * HOUR_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        tries: dict[str | None, list[Mark]] = {}
        for each in marks.get(mark.FAILED, ()):
            tries.setdefault(each.key, []).append(each)
        for order, failed in tries.items():
            paid_ms = [each.time_ms for each in marks.get(mark.PAID, ()) if each.key == order]
            for after_ms, before_ms in pairwise((-FOREVER_MS, *paid_ms, FOREVER_MS)):
                run = [each for each in failed if after_ms < each.time_ms <= before_ms]
                for since_ms, until_ms, some in crowds(run, self.least, self.horizon_ms):
                    yield Finding(since_ms, min(until_ms, before_ms), len(some), self.least, some, order)
