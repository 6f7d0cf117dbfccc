"""Counters by segment and slice, added up over the partitions: what windows are read from."""

from collections.abc import Iterator

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters, add, difference, merged
from stream.metrics import STOCKS, Reading
from stream.slices import DAY_MS, RESOLUTIONS, TEN_SECONDS_MS

BySlice = dict[int, dict[int, Counters]]
"""Counters by resolution and start of the slice."""
_MIDNIGHTS = 16
"""Midnights of which it is remembered what was before: for some more windows than are usual."""
_MOST_COVERS = 1_024
"""Stretches of time of which it is remembered what slices they consist of."""
_COARSE_FIRST = tuple(reversed(RESOLUTIONS))


class History:
    """Sums over partitions, by segment, resolution and start of the slice.

    A stretch of time is read from as few slices as possible:

        |-- day --|-- day --|-- hour --|min|min|··

    What stocks come to is kept as the sum of all days, so that what was before a midnight is that less the days since:

        |-------------- all days --------------|
        |----- before ------|-- day --|-- day --|
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._calendar = config.calendar
        self._slices: dict[Segment, BySlice] = {}
        self._stocks: dict[Segment, Counters] = {}
        self._befores: dict[Segment, dict[int, Counters]] = {}
        self._last_day_ms = 0
        self._latest: dict[Segment, int] = {}
        self._covers: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.changed: set[Segment] = set()
        """Segments of which something has changed, or that are gone: for the one who looks at them, and clears it."""
        self.versions: dict[Segment, int] = {}

    def add(self, segment: Segment, resolution_ms: int, start_ms: int, moved: Counters) -> None:
        """The counters of a slice have moved by so much."""
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            by_resolution = self._slices[segment] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        add(by_resolution[resolution_ms].setdefault(start_ms, {}), moved)
        self.changed.add(segment)
        if resolution_ms == TEN_SECONDS_MS:
            self._latest[segment] = max(self._latest.get(segment, 0), start_ms)
        if resolution_ms == DAY_MS:
            self._last_day_ms = max(self._last_day_ms, start_ms)
            self._move_stocks(segment, start_ms, moved)
        self.versions[segment] = self.versions.get(segment, 0) + 1

    def _move_stocks(self, segment: Segment, start_ms: int, moved: Counters) -> None:
        stocks = {name: moved[name] for name in STOCKS if name in moved}
        if stocks:
            self.changed.add(segment)
            add(self._stocks.setdefault(segment, {}), stocks)
            befores = self._befores.get(segment, {})
            for midnight_ms in [each for each in befores if each > start_ms]:
                del befores[midnight_ms]

    def segments(self) -> list[Segment]:
        """Every segment with data that is still kept."""
        return list(self._slices)

    def knows(self, segment: Segment) -> bool:
        """Whether there is data of a segment that is still kept."""
        return segment in self._slices

    def furthest_ms(self, segment: Segment) -> int:
        """The start of the last ten seconds of which there ever was something; 0 where there was nothing."""
        return self._latest.get(segment, 0)

    def oldest_ms(self, segment: Segment, resolution_ms: int, start_ms: int, end_ms: int) -> int | None:
        """The start of the first slice of [start, end) that there is something of, for slices that all are as long."""
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            return None
        slices = by_resolution[resolution_ms]
        return next((at_ms for at_ms in range(start_ms, end_ms, resolution_ms) if at_ms in slices), None)

    def drop(self, segment: Segment, resolution_ms: int, start_ms: int) -> bool:
        """Forget a slice, and the segment when it has none left: True then."""
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            return False
        gone = by_resolution[resolution_ms].pop(start_ms, None)
        if gone and resolution_ms == DAY_MS:
            self._move_stocks(segment, start_ms, difference(gone, {}))
        if any(by_resolution.values()):
            return False
        self.changed.add(segment)
        del self._slices[segment], self.versions[segment]
        self._latest.pop(segment, None)
        self._stocks.pop(segment, None)
        self._befores.pop(segment, None)
        return True

    def read(
        self, segment: Segment, start_ms: int, end_ms: int, by_day: bool = False, before_ms: int | None = None
    ) -> Reading:
        """The counters of [start, end), aligned to 10 s; also by day where ``by_day``, which begins at a midnight.

        ``before_ms`` is when the period before it began, whose days are read too. By day, stocks are there too.
        """
        by_resolution = self._slices.get(segment)
        if by_resolution is None:
            return Reading({}, [{}], stock={}) if by_day else Reading({})
        if not by_day:
            return Reading(merged(self._parts(by_resolution, start_ms, end_ms)))
        days = list(self._days(by_resolution, start_ms, end_ms))
        before = None if before_ms is None else list(self._days(by_resolution, before_ms, start_ms))
        return Reading(merged(days), days, before, self._stock(segment, by_resolution[DAY_MS], start_ms))

    def _stock(self, segment: Segment, days: dict[int, Counters], start_ms: int) -> Counters:
        """What stocks came to before this midnight; it is remembered, for what comes later does not change it."""
        if segment not in self._stocks:
            return {}
        befores = self._befores.setdefault(segment, {})
        if start_ms not in befores:
            if len(befores) >= _MIDNIGHTS:
                befores.clear()
            befores[start_ms] = self._before(segment, days, start_ms)
        return befores[start_ms]

    def _before(self, segment: Segment, days: dict[int, Counters], start_ms: int) -> Counters:
        total = self._stocks[segment].copy()
        while start_ms <= self._last_day_ms:
            day = days.get(start_ms)
            if day:
                add(total, {name: -day[name] for name in STOCKS if name in day})
            start_ms = self._calendar.day_end_ms(start_ms)
        return total

    def _days(self, by_resolution: BySlice, start_ms: int, end_ms: int) -> Iterator[Counters]:
        while start_ms < end_ms:
            next_ms = self._calendar.day_end_ms(start_ms)
            yield merged(self._parts(by_resolution, start_ms, min(next_ms, end_ms)))
            start_ms = next_ms

    def _parts(self, by_resolution: BySlice, start_ms: int, end_ms: int) -> Iterator[Counters]:
        for resolution_ms, at_ms in self._cover(start_ms, end_ms):
            found = by_resolution[resolution_ms].get(at_ms)
            if found:
                yield found

    def _cover(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """The slices of a stretch, by resolution and start: the same for all segments, so they are remembered."""
        found = self._covers.get((start_ms, end_ms))
        if found is not None:
            return found
        if len(self._covers) >= _MOST_COVERS:
            self._covers.clear()
        cover, at_ms = [], start_ms
        while at_ms < end_ms:
            resolution_ms, next_ms = self._largest(at_ms, end_ms)
            cover.append((resolution_ms, at_ms))
            at_ms = next_ms
        self._covers[start_ms, end_ms] = cover
        return cover

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
