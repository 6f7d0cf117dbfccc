"""Counters by segment and slice, added up over the partitions: what windows are read from."""

from collections.abc import Iterator

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters, merged, move
from stream.metrics import Reading
from stream.slices import DAY_MS, RESOLUTIONS

BySlice = dict[int, dict[int, Counters]]
"""Counters by resolution and start of the slice."""
_COARSE_FIRST = tuple(reversed(RESOLUTIONS))


class History:
    """Sums over partitions, by segment, resolution and start of the slice.

    A stretch of time is read from as few slices as possible:

        |-- day --|-- day --|-- hour --|min|min|··
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._calendar = config.calendar
        self._slices: dict[Segment, BySlice] = {}
        self.versions: dict[Segment, int] = {}

    def replace(self, segment: Segment, resolution_ms: int, start_ms: int, old: Counters | None, new: Counters) -> None:
        """A partition's total for a slice was ``old`` and is now ``new``."""
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            by_resolution = self._slices[segment] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        total = by_resolution[resolution_ms].setdefault(start_ms, {})
        move(total, old or {}, new)
        self.versions[segment] = self.versions.get(segment, 0) + 1

    def segments(self) -> list[Segment]:
        """Every segment with data that is still kept."""
        return list(self._slices)

    def drop(self, segment: Segment, resolution_ms: int, start_ms: int) -> bool:
        """Forget a slice, and the segment when it has none left: True then."""
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            return False
        by_resolution[resolution_ms].pop(start_ms, None)
        if any(by_resolution.values()):
            return False
        del self._slices[segment], self.versions[segment]
        return True

    def read(
        self, segment: Segment, start_ms: int, end_ms: int, by_day: bool = False, before_ms: int | None = None
    ) -> Reading:
        """The counters of [start, end), aligned to 10 s; also by day where ``by_day``, which begins at a midnight.

        ``before_ms`` is when the period before it began, whose days are read too.
        """
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            return Reading({}, [{}] if by_day else None)
        if not by_day:
            return Reading(merged(self._parts(by_resolution, start_ms, end_ms)))
        days = list(self._days(by_resolution, start_ms, end_ms))
        before = None if before_ms is None else list(self._days(by_resolution, before_ms, start_ms))
        return Reading(merged(days), days, before)

    def _days(self, by_resolution: BySlice, start_ms: int, end_ms: int) -> Iterator[Counters]:
        while start_ms < end_ms:
            next_ms = self._calendar.day_end_ms(start_ms)
            yield merged(self._parts(by_resolution, start_ms, min(next_ms, end_ms)))
            start_ms = next_ms

    def _parts(self, by_resolution: BySlice, at_ms: int, end_ms: int) -> Iterator[Counters]:
        while at_ms < end_ms:
            resolution_ms, next_ms = self._largest(at_ms, end_ms)
            found = by_resolution[resolution_ms].get(at_ms)
            if found:
                yield found
            at_ms = next_ms

    def _largest(self, at_ms: int, end_ms: int) -> tuple[int, int]:
        """The coarsest slice that begins at ``at_ms`` and ends by ``end_ms``."""
        for resolution_ms in _COARSE_FIRST:
            if end_ms - at_ms < resolution_ms and (resolution_ms != DAY_MS or end_ms - at_ms < 23 * DAY_MS // 24):
                continue
            if self._calendar.slice_start_ms(resolution_ms, at_ms) == at_ms:
                next_ms = self._calendar.slice_end_ms(resolution_ms, at_ms)
                if next_ms <= end_ms:
                    return resolution_ms, next_ms
        raise ValueError(f"[{at_ms}, {end_ms}) is not aligned to 10 s")
