"""Ranges: what ``cells`` still holds of a stretch of time.

A slice is dropped some time after its end, the finer the sooner. So a range can be read where its edges fall on edges
of slices that are still there, and is refused elsewhere: a missing slice would read like one in which nothing happened.

    |---- day ----|---- day ----|-- hour --|-- hour --|min|min|··|   kept
    ^ 800 days                  ^ 8 days              ^ 6 h   ^ 1 h  before the latest event
"""

from collections.abc import Iterator, Mapping

from schemas.cell import (
    WATERMARK_HEAD,
    Cell,
    CellKey,
    Segment,
    Watermark,
    decode_cell,
    decode_cell_key,
    decode_watermark,
    decode_watermark_key,
    encode,
)
from stream.config import Config, Segmentation
from stream.counters import Counters, add, difference, merged
from stream.history import History
from stream.metrics import Value
from stream.metrics import read as read_metrics
from stream.nesting import Nesting
from stream.segments import OTHER
from stream.slices import DAY_MS, RESOLUTIONS, TEN_SECONDS_MS
from stream.spans import RangeError, Span, written


class Ledger(History):
    """The records of ``cells``, added up for the segments of one segmentation that have the values in ``where``.

    ``seen`` are all segments of that segmentation, ``watermarks`` the latest one of each source partition.
    """

    def __init__(self, config: Config, names: Segmentation = (), where: Mapping[str, str] | None = None) -> None:
        super().__init__(config)
        self._names = names
        self._where = tuple((where or {}).items())
        self._known: dict[bytes, Cell] = {}
        self._nesting = Nesting(config.calendar, lambda where: self._known.get(encode(where)))
        self.seen: set[Segment] = set()
        self.watermarks: dict[int, Watermark] = {}

    def merge(self, key: bytes | None, value: bytes | None) -> None:
        """Take in one record: a total (upsert), the end of a slice's keeping (tombstone), or a watermark.

        Of two totals the one that includes the later source offset counts, as on the worker's boards.

        Raises:
            msgspec.DecodeError: it is none of these.
        """
        key = key or b""
        if not key.startswith(WATERMARK_HEAD):
            self._merge_cell(key, decode_cell_key(key), value)
        elif value is not None:
            watermark, partition = decode_watermark(value), decode_watermark_key(key).partition
            known = self.watermarks.get(partition)
            if known is None or watermark.offset > known.offset:
                self.watermarks[partition] = watermark

    def _merge_cell(self, key: bytes, where: CellKey, value: bytes | None) -> None:
        if tuple(name for name, _ in where.segment) != self._names:
            return
        self.seen.add(where.segment)
        if any(pair not in where.segment for pair in self._where):
            return
        known = self._known.get(key)
        if value is None:
            if known is not None:
                self._forget(key, where, known)
            return
        cell = decode_cell(value)
        if known is None or not cell.is_behind(known):
            self._replace(key, where, known, cell)

    def _replace(self, key: bytes, where: CellKey, known: Cell | None, new: Cell) -> None:
        if known is None:
            self._nesting.join(where)
        moved = difference({} if known is None else known.counters, new.counters)
        for part in [] if new.open else self._nesting.close(where):
            add(moved, difference(self._nesting.total(part), {}))
        self._known[key] = new
        for each in self._nesting.holders(where):
            self.add(each.segment, each.resolution_ms, each.start_ms, moved)

    def _forget(self, key: bytes, where: CellKey, known: Cell) -> None:
        moved = difference(known.counters, {})
        for each in list(self._nesting.holders(where)):
            self.add(each.segment, each.resolution_ms, each.start_ms, moved)
            if not self._slices[each.segment][each.resolution_ms][each.start_ms]:
                self.drop(each.segment, each.resolution_ms, each.start_ms)
        del self._known[key]
        self._nesting.leave(where)

    @property
    def latest_ms(self) -> int | None:
        """The latest event time of any partition; None before the first event."""
        times = (time_ms for mark in self.watermarks.values() if (time_ms := begun_ms(mark)) is not None)
        return max(times, default=None)

    @property
    def is_capped(self) -> bool:
        """True where the segmentation has had more values than are told apart, so that some count as ``other``."""
        other = tuple((name, OTHER) for name in self._names)
        return bool(self._names) and other in self.seen and len(self.seen) > self._config.max_segments

    def values(self, segment: Segment, span: Span) -> dict[str, Value]:
        """Every metric that has data in the span. What comes after the day of the latest event is not looked at.

        What compares it with the period before has none where that is not kept any more.
        """
        before_ms = span.before_ms
        if before_ms is not None and not self._holds(before_ms, span.start_ms):
            before_ms = None
        return read_metrics(self.read(segment, span.start_ms, self._reached_ms(span.end_ms), span.by_day, before_ms))

    def all(self, segment: Segment) -> Counters:
        """What has been counted in all days that are kept."""
        days = self._slices.get(segment, {}).get(DAY_MS, {})
        return merged(days.values())

    def days(self, segment: Segment) -> dict[int, Counters]:
        """What has been counted on each day that is kept, by the number of the day."""
        days = self._slices.get(segment, {}).get(DAY_MS, {})
        return {self._calendar.day_number(start_ms): counters for start_ms, counters in days.items()}

    def ticks(self, start_ms: int, end_ms: int, reach_ms: Mapping[int, int]) -> Iterator[int]:
        """The ends of the finest slices of a stretch that are still kept: each 10 s of the last hour, minutes before.

        ``reach_ms`` is how far back from each of these is looked in slices of a resolution: all of it must be kept.
        """
        latest_ms = self.latest_ms
        at_ms = start_ms
        while latest_ms is not None and at_ms < end_ms:
            kept = (each for each in RESOLUTIONS if self._oldest_ms(each, latest_ms) + reach_ms.get(each, 0) <= at_ms)
            finest_ms = next(kept, RESOLUTIONS[-1])
            at_ms = self._calendar.slice_end_ms(finest_ms, self._calendar.slice_start_ms(finest_ms, at_ms))
            if at_ms <= end_ms:
                yield at_ms

    def holds(self, span: Span) -> bool:
        """Whether all slices of the span are still kept."""
        return self._holds(span.start_ms, span.end_ms)

    def check(self, span: Span) -> None:
        """Make sure that all slices of the span are still kept.

        Raises:
            RangeError: they are not; it names the nearest range that can be read.
        """
        if self._holds(span.start_ms, span.end_ms):
            return
        calendar = self._config.calendar
        first, last = written(span.start_ms, calendar), written(span.end_ms, calendar)
        found = self._nearest(span.start_ms, span.end_ms)
        remedy = "nothing near it can be read"
        if found is not None:
            remedy = f"the nearest that can be read is --from {written(found[0], calendar)}"
            remedy += f" --to {written(found[1], calendar)}"
        raise RangeError(f"{first} to {last} is not kept that finely ({self._kept()}): {remedy}")

    def _kept(self) -> str:
        names = dict(zip(RESOLUTIONS, ("10 s", "minute", "hour", "day"), strict=True))
        latest_ms = self.latest_ms
        if latest_ms is None:
            return "edges fall on whole 10 s"
        calendar = self._config.calendar
        edges = (
            f"{name} edges since {written(self._oldest_ms(resolution_ms, latest_ms), calendar)}"
            for resolution_ms, name in names.items()
        )
        return ", ".join(edges)

    def _oldest_ms(self, resolution_ms: int, latest_ms: int) -> int:
        """The start of the first slice that is kept."""
        return self._calendar.slice_start_ms(resolution_ms, latest_ms - self._config.retention_ms[resolution_ms])

    def _reached_ms(self, end_ms: int) -> int:
        latest_ms = self.latest_ms
        if latest_ms is None:
            return end_ms
        return min(end_ms, self._calendar.day_end_ms(self._calendar.day_start_ms(latest_ms)))

    def _holds(self, start_ms: int, end_ms: int) -> bool:
        """Are all slices from which this stretch would be read still kept?"""
        if start_ms % TEN_SECONDS_MS or end_ms % TEN_SECONDS_MS:
            return False
        latest_ms = self.latest_ms
        if latest_ms is None:
            return True
        end_ms = self._reached_ms(end_ms)
        while start_ms < end_ms:
            resolution_ms, next_ms = self._largest(start_ms, end_ms)
            if start_ms < self._oldest_ms(resolution_ms, latest_ms):
                return False
            start_ms = next_ms
        return True

    def _nearest(self, start_ms: int, end_ms: int) -> tuple[int, int] | None:
        """The closest range to this one that can be read; None where nothing is kept around it."""
        starts, ends = [*self._edges(start_ms), *self._first_edges()], list(self._edges(end_ms))
        found = [(start, end) for start in starts for end in ends if start < end and self._holds(start, end)]
        return min(found, key=lambda edges: abs(edges[0] - start_ms) + abs(edges[1] - end_ms), default=None)

    def _edges(self, time_ms: int) -> Iterator[int]:
        for resolution_ms in RESOLUTIONS:
            before_ms = self._calendar.slice_start_ms(resolution_ms, time_ms)
            yield before_ms
            yield before_ms if before_ms == time_ms else self._calendar.slice_end_ms(resolution_ms, before_ms)

    def _first_edges(self) -> Iterator[int]:
        latest_ms = self.latest_ms
        if latest_ms is not None:
            yield from (self._oldest_ms(resolution_ms, latest_ms) for resolution_ms in RESOLUTIONS)


def begun_ms(watermark: Watermark) -> int | None:
    """A watermark's event time; None where nothing has been counted yet."""
    return watermark.time_ms or None
