"""What does not work on a telephone."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds, without
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS


class BrokenOnMobile(Signal):
    """At least `times` errors of the last `hours` were on a mobile device, and none on another one.

    Errors whose device is not known are neither.

    Example:
        >>> from stream.friction.story import event, found
        >>> errors = [event("visit.error", error=error, device="mobile") for error in "ab"]
        >>> found("broken_on_mobile", *errors)
        ['0:00 to 24:00: 2 ≥ 2']
        >>> found("broken_on_mobile", *errors, event("visit.error", error="a", device="desktop"))
        []
    """

    hears = (mark.ERROR,)
    thresholds = {"times": 2, "hours": 24}
    unit = "errors"

    def begin(self, config: Config) -> None:
        self.least, self._within_ms = self.set["times"], self.set["hours"] * HOUR_MS
        self.horizon_ms = 2 * self._within_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        errors = marks.get(mark.ERROR, ())
        mobile = [each for each in errors if each.note == "mobile"]
        others = [
            (each.time_ms, each.time_ms + self._within_ms) for each in errors if each.note not in (None, "mobile")
        ]
        for since_ms, until_ms, some in crowds(mobile, self.least, self._within_ms):
            for span in without((since_ms, until_ms), others):
                yield Finding(*span, len(some), self.least, some)
