"""What one batch adds to the counters, gathered in the finest slices and rolled up once at the end."""

from collections.abc import Sequence

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters
from stream.segments import Segments
from stream.slices import RESOLUTIONS, TEN_SECONDS_MS

CellId = tuple[Segment, int, int]
"""Segment, resolution and start of a slice, both in milliseconds."""
Moves = tuple[tuple[str, int], ...]
"""Counters and by how much they move."""


class Tally:
    """Counters by finest slice and segment, the latter by its number.

    A fact is counted in every resolution whose slice is still kept at the watermark of its arrival. That depends on the
    order of the events alone, never on how they fell into batches.
    """

    def __init__(self, config: Config, segments: Segments) -> None:
        self._config = config
        self._calendar = config.calendar
        self._segments = segments
        self._finest_kept_ms = config.retention_ms[TEN_SECONDS_MS]
        self._slices: dict[tuple[int, int], dict[int, Counters]] = {}

    def count(self, segments: Sequence[int], time_ms: int, watermark_ms: int, moves: Moves) -> None:
        """Count in these segments, given by their numbers."""
        by_segment = self._slice(time_ms, watermark_ms)
        for segment in segments:
            counters = by_segment.get(segment)
            if counters is None:
                by_segment[segment] = dict(moves)
            else:
                for name, by in moves:
                    counters[name] = counters.get(name, 0) + by

    def _slice(self, time_ms: int, watermark_ms: int) -> dict[int, Counters]:
        level = 0 if watermark_ms - time_ms < self._finest_kept_ms else self._level(time_ms, watermark_ms)
        key = (time_ms // TEN_SECONDS_MS, level)
        found = self._slices.get(key)
        if found is None:
            found = self._slices[key] = {}
        return found

    def cells(self) -> dict[CellId, Counters]:
        """Everything counted, by cell: each finest slice is added to all slices that it is part of."""
        cells: dict[CellId, Counters] = {}
        for (number, level), by_segment in self._slices.items():
            for resolution_ms in RESOLUTIONS[level:]:
                start_ms = self._calendar.slice_start_ms(resolution_ms, number * TEN_SECONDS_MS)
                for segment, counters in by_segment.items():
                    _gather(cells, (self._segments.segment(segment), resolution_ms, start_ms), counters)
        return cells

    def clear(self) -> None:
        """Begin the next batch."""
        self._slices.clear()

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
