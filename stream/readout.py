"""What the windows of a partition of cells read, and what of it has been told."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.cell import Segment
from schemas.metric import Metric
from stream.config import Config
from stream.history import History
from stream.metrics import UNITS, Value, read
from stream.published import published
from stream.windows import Interval, Window, known_window

_UNKNOWN = Value(0.0, -1)


@dataclass(slots=True)
class Read:
    """What one segment and window last read."""

    start_ms: int
    end_ms: int
    version: int
    values: dict[str, Value] = field(default_factory=dict)


class Readout:
    """Reads every configured window of every segment. ``is_continued``: a former owner may have told something."""

    def __init__(self, config: Config, history: History, is_continued: bool) -> None:
        self._calendar = config.calendar
        self._history = history
        self._windows = [known_window(name) for name in config.windows]
        # What a former owner has told is not known here: at first, all that has no value is told as such.
        self._before = Read(0, 0, 0, dict.fromkeys(UNITS, _UNKNOWN)) if is_continued else Read(0, 0, 0)
        self.current: dict[tuple[Segment, str], Read] = {}
        """What was last read, by segment and window."""

    def changed(self, segment: Segment, now_ms: int) -> list[Metric]:
        """The metrics of a segment that have changed since this was last asked; one that lost its data has None."""
        changed: list[Metric] = []
        version = self._history.versions.get(segment)
        if version is None:
            return changed
        for window in self._windows:
            before = self.current.get((segment, window.name), self._before)
            start_ms, end_ms = window.covered(self._calendar, now_ms)
            if (before.start_ms, before.end_ms, before.version) != (start_ms, end_ms, version):
                before_ms = window.before_ms(self._calendar, start_ms)
                values = read(self._history.read(segment, start_ms, end_ms, window.by_day, before_ms))
                now = self.current[segment, window.name] = Read(start_ms, end_ms, version, values)
                changed.extend(_told(segment, window, before, now, now_ms))
        return changed

    def forget(self, segment: Segment) -> None:
        """Drop a segment that has no slice left."""
        for window in self._windows:
            self.current.pop((segment, window.name), None)


def _told(segment: Segment, window: Window, before: Read, now: Read, now_ms: int) -> Iterator[Metric]:
    """What there is to tell of a window: the values that are others than before."""
    interval: Interval = (now.start_ms, now.end_ms)
    for name in dict.fromkeys([*now.values, *before.values]):
        value = now.values.get(name)
        if before.values.get(name) != value:
            yield published(name, segment, window.name, interval, now_ms, value)
