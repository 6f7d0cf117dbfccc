"""The app, or a page, crashes."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS


class AppCrash(Signal):
    """At least `times` errors of the last `hours` were crashes.

    Example:
        >>> from stream.friction.story import event, found
        >>> found("app_crash", event("visit.error", error="e", crash=True))
        ['0:00 to 24:00: 1 ≥ 1']
    """

    hears = (mark.ERROR,)
    thresholds = {"times": 1, "hours": 24}
    unit = "crashes"

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["times"], self.set["hours"] * HOUR_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        crashes = [each for each in marks.get(mark.ERROR, ()) if each.number]
        for since_ms, until_ms, some in crowds(crashes, self.least, self.horizon_ms):
            yield Finding(since_ms, until_ms, len(some), self.least, some)
