"""The same error again and again."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Mark, Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS


class RepeatedError(Signal):
    """The customer has seen the same error at least `times` times in the last `hours`.

    Example:
        >>> from stream.friction.story import event, found
        >>> errors = [event("visit.error", f"{hour}:00", error="e") for hour in range(3)]
        >>> found("repeated_error", *errors)
        ['2:00 to 24:00: 3 ≥ 3, e']
        >>> found("repeated_error", *errors[:2], event("visit.error", "2:00", error="f"))
        []
    """

    hears = (mark.ERROR,)
    thresholds = {"times": 3, "hours": 24}
    unit = "times"

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["times"], self.set["hours"] * HOUR_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        errors: dict[str | None, list[Mark]] = {}
        for each in marks.get(mark.ERROR, ()):
            errors.setdefault(each.key, []).append(each)
        for error, seen in errors.items():
            for since_ms, until_ms, some in crowds(seen, self.least, self.horizon_ms):
                yield Finding(since_ms, until_ms, len(some), self.least, some, error)
