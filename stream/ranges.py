"""Ranges: stretches of time as people ask for them, and what ``cells`` still holds of them.

A slice is dropped some time after its end, the finer the sooner. So a range can be read where its edges fall on edges
of slices that are still there, and is refused elsewhere: a missing slice would read like one in which nothing happened.

    |---- day ----|---- day ----|-- hour --|-- hour --|min|min|··|   kept
    ^ 800 days                  ^ 8 days              ^ 6 h   ^ 1 h  before the latest event
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from schemas.cell import (
    WATERMARK_HEAD,
    CellKey,
    Segment,
    Watermark,
    decode_cell,
    decode_cell_key,
    decode_watermark,
    decode_watermark_key,
)
from stream.config import Config, Segmentation
from stream.counters import Counters, merged
from stream.errors import CxstreamError
from stream.history import History
from stream.metrics import DAYS_NEEDED, Value
from stream.metrics import read as read_metrics
from stream.segments import OTHER
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, RESOLUTIONS, TEN_SECONDS_MS, Calendar
from stream.windows import known_window

_MOST_PIECES = 31
_GRAINS_MS = (TEN_SECONDS_MS, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 30 * DAY_MS, 2**62)


class RangeError(CxstreamError):
    """A range that cannot be read: the message says why, and what can be."""


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open stretch to read; ``by_day`` where it is to be read day by day, being whole local days.

    ``before_ms`` is when the period before it began, where it is by day.
    """

    name: str
    start_ms: int
    end_ms: int
    by_day: bool
    before_ms: int | None = None

    def has(self, metric: str, calendar: Calendar) -> bool:
        """Can this metric be read over such a stretch at all?"""
        needed = DAYS_NEEDED.get(metric, 0)
        return not needed or (self.by_day and calendar.shift_days_ms(self.start_ms, needed) <= self.end_ms)


def window_span(name: str, calendar: Calendar, at_ms: int) -> Span:
    """A window whose last slice contains ``at_ms``; days to come are left out of it."""
    window = known_window(name)
    start_ms, end_ms = window.covered(calendar, at_ms)
    return Span(name, start_ms, end_ms, window.by_day, window.before_ms(calendar, start_ms))


def range_span(start_ms: int, end_ms: int, calendar: Calendar) -> Span:
    """Any stretch, named as an ISO 8601 interval; by day where both ends are midnights.

    Raises:
        RangeError: it ends before it begins.
    """
    first, last = written(start_ms, calendar), written(end_ms, calendar)
    if start_ms >= end_ms:
        raise RangeError(f"the range is empty: {first} is not before {last}")
    by_day = all(calendar.day_start_ms(edge_ms) == edge_ms for edge_ms in (start_ms, end_ms))
    before_ms = calendar.days_before_ms(start_ms, end_ms) if by_day else None
    return Span(f"{first}/{last}", start_ms, end_ms, by_day, before_ms)


def before(span: Span, calendar: Calendar) -> Span:
    """The period before: as many whole days, the calendar month before, or as long a stretch.

    >>> calendar = Calendar()
    >>> hour = range_span(3_600_000, 7_200_000, calendar)
    >>> before(hour, calendar).start_ms
    0
    """
    start_ms = span.before_ms
    if start_ms is None:
        start_ms = 2 * span.start_ms - span.end_ms
    return Span(span.name, start_ms, span.start_ms, span.by_day)


def pieces(span: Span, calendar: Calendar) -> list[Span]:
    """Parts of a span, in order and about as long as each other, to see how something went: at most 31.

    They are runs of days where the span is made of more than one; else of hours, minutes or ten seconds.

    >>> [len(pieces(range_span(0, length, Calendar()), Calendar())) for length in (7 * 86_400_000, 3_600_000, 10_000)]
    [7, 12, 1]
    """
    first = calendar.day_number(span.start_ms)
    days = calendar.day_number(span.end_ms - 1) + 1 - first
    if span.by_day and days > 1:
        each = -(-days // _MOST_PIECES)
        edges = [calendar.day_number_start_ms(first + day) for day in range(0, days, each)]
    else:
        length = span.end_ms - span.start_ms
        each_ms = next(ms for ms in _GRAINS_MS if length <= ms * _MOST_PIECES)
        edges = list(range(span.start_ms, span.end_ms, each_ms))
    return [
        Span(span.name, start_ms, end_ms, span.by_day and days > 1)
        for start_ms, end_ms in zip(edges, [*edges[1:], span.end_ms], strict=True)
    ]


def moment(text: str, calendar: Calendar) -> tuple[int, bool]:
    """The instant that an ISO 8601 date (its midnight) or time names, and whether it is a date.

    A time without an offset is local to the calendar.

    Raises:
        RangeError: it is neither, or out of reach.

    >>> moment("2026-03-29", Calendar("Europe/Oslo")), moment("2026-03-29T12:00Z", Calendar())
    ((1774738800000, True), (1774785600000, False))
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _time_ms(text, calendar), False
    if not 1970 <= day.year < 9999:
        raise RangeError(f"`{text}` is out of reach: use a year from 1970 to 9998")
    return calendar.midnight_ms(day), True


def _time_ms(text: str, calendar: Calendar) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RangeError(f"`{text}` is no date or time: write 2026-03-29 or 2026-03-29T14:30:00+02:00") from None
    if not 1970 <= time.year < 9999:
        raise RangeError(f"`{text}` is out of reach: use a year from 1970 to 9998")
    time = time if time.tzinfo else time.replace(tzinfo=zone_of(calendar))
    return int(time.timestamp()) * 1000 + time.microsecond // 1000


def zone_of(calendar: Calendar) -> tzinfo:
    """The calendar's time zone."""
    return UTC if calendar.zone == "UTC" else ZoneInfo(calendar.zone)


def written(time_ms: int, calendar: Calendar) -> str:
    """An instant as ``moment`` reads it: a date where it is a midnight, else a time to the second or millisecond.

    >>> written(1774738800000, Calendar("Europe/Oslo")), written(1774785600000, Calendar())
    ('2026-03-29', '2026-03-29T12:00:00Z')
    """
    if calendar.day_start_ms(time_ms) == time_ms:
        return calendar.date(time_ms).isoformat()
    local = datetime.fromtimestamp(time_ms // 1000, zone_of(calendar)).replace(microsecond=time_ms % 1000 * 1000)
    return local.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


class Ledger(History):
    """The records of ``cells``, added up for the segments of one segmentation that have the values in ``where``.

    ``seen`` are all segments of that segmentation, ``watermarks`` the latest one of each source partition.
    """

    def __init__(self, config: Config, names: Segmentation = (), where: Mapping[str, str] | None = None) -> None:
        super().__init__(config)
        self._names = names
        self._where = tuple((where or {}).items())
        self._known: dict[bytes, tuple[int, Counters]] = {}
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
        offset, old = self._known.get(key, (-1, None))
        if value is None:
            if old is not None:
                self._forget(key, where, old)
            return
        cell = decode_cell(value)
        if cell.offset >= offset:
            self._known[key] = cell.offset, cell.counters
            self.replace(where.segment, where.resolution_ms, where.start_ms, old, cell.counters)

    def _forget(self, key: bytes, where: CellKey, old: Counters) -> None:
        del self._known[key]
        self.replace(where.segment, where.resolution_ms, where.start_ms, old, {})
        if not self._slices[where.segment][where.resolution_ms][where.start_ms]:
            self.drop(where.segment, where.resolution_ms, where.start_ms)

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
