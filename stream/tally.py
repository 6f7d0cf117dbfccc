"""What one batch adds to the counters, gathered finely and rolled up once at the end."""

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters
from stream.segments import Segments, Values
from stream.slices import RESOLUTIONS, TEN_SECONDS_MS

CellId = tuple[Segment, int, int]
"""Segment, resolution and start of a slice, both in milliseconds."""
Moves = tuple[tuple[str, int], ...]
"""Counters and by how much they move."""


class Tally:
    """Counters by place and finest slice; a place is the values of a touchpoint, or one segment.

    A fact is counted in every resolution whose slice is still kept at the watermark of its arrival. That depends on the
    order of the events alone, never on how they fell into batches.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._calendar = config.calendar
        self._finest_kept_ms = config.retention_ms[TEN_SECONDS_MS]
        self._by_values: dict[tuple[Values, int, int], Counters] = {}
        self._by_segment: dict[tuple[Segment, int, int], Counters] = {}

    def count(self, values: Values, time_ms: int, watermark_ms: int, moves: Moves) -> None:
        """Count in every segment that the values belong to."""
        level = 0 if watermark_ms - time_ms < self._finest_kept_ms else self._level(time_ms, watermark_ms)
        key = (values, time_ms // TEN_SECONDS_MS, level)
        counters = self._by_values.get(key)
        if counters is None:
            counters = self._by_values[key] = {}
        for name, by in moves:
            counters[name] = counters.get(name, 0) + by

    def count_in(self, segment: Segment, time_ms: int, watermark_ms: int, moves: Moves) -> None:
        """Count in one segment only."""
        level = 0 if watermark_ms - time_ms < self._finest_kept_ms else self._level(time_ms, watermark_ms)
        counters = self._by_segment.setdefault((segment, time_ms // TEN_SECONDS_MS, level), {})
        for name, by in moves:
            counters[name] = counters.get(name, 0) + by

    def cells(self, segments: Segments) -> dict[CellId, Counters]:
        """Everything counted, by cell: from values to segments, which are few, then from fine to coarse slices."""
        finest = self._by_segment
        for (values, number, level), counters in self._by_values.items():
            for segment in segments.of(values):
                _gather(finest, (segment, number, level), counters)
        cells: dict[CellId, Counters] = {}
        slice_start_ms = self._calendar.slice_start_ms
        for (segment, number, level), counters in finest.items():
            for resolution_ms in RESOLUTIONS[level:]:
                start_ms = slice_start_ms(resolution_ms, number * TEN_SECONDS_MS)
                _gather(cells, (segment, resolution_ms, start_ms), counters)
        return cells

    def clear(self) -> None:
        """Begin the next batch."""
        self._by_values.clear()
        self._by_segment.clear()

    def _level(self, time_ms: int, watermark_ms: int) -> int:
        """How many of the finest resolutions no longer keep the slice of ``time_ms``."""
        for level, resolution_ms in enumerate(RESOLUTIONS):
            start_ms = self._calendar.slice_start_ms(resolution_ms, time_ms)
            end_ms = self._calendar.slice_end_ms(resolution_ms, start_ms)
            if end_ms > watermark_ms - self._config.retention_ms[resolution_ms]:
                return level
        return len(RESOLUTIONS)


def _gather(into: dict[CellId, Counters], place: CellId, counters: Counters) -> None:
    """Add without looking for zeros: on the way to the totals these do no harm."""
    total = into.get(place)
    if total is None:
        into[place] = counters.copy()
        return
    for name, by in counters.items():
        total[name] = total.get(name, 0) + by
