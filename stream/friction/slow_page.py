"""Pages take long to load."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import MINUTE_MS


class SlowPage(Signal):
    """At least `times` pages or screens took `load_ms` milliseconds or more within the last `minutes`.

    Example:
        >>> from stream.friction.story import event, found
        >>> slow = [event("visit.load", page=page, load_ms=4_000) for page in ("a", "b")]
        >>> found("slow_page", *slow)
        ['0:00 to 1:00: 2 ≥ 2']
        >>> found("slow_page", slow[0], event("visit.load", page="b", load_ms=3_999))
        []
    """

    hears = (mark.SLOW,)
    thresholds = {"times": 2, "minutes": 60, "load_ms": 4_000}
    unit = "pages"
    severity = "info"

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["times"], self.set["minutes"] * MINUTE_MS
        self.slow_ms = self.set["load_ms"]

    def find(self, marks: Marks) -> Iterator[Finding]:
        slow = [each for each in marks.get(mark.SLOW, ()) if each.number >= self.slow_ms]
        for since_ms, until_ms, some in crowds(slow, self.least, self.horizon_ms):
            yield Finding(since_ms, until_ms, len(some), self.least, some)
