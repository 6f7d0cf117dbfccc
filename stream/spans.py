"""Spans: stretches of time as people ask for them, by dates, times or the name of a window."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from stream.errors import CxstreamError
from stream.metrics import DAYS_NEEDED
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, TEN_SECONDS_MS, Calendar
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
