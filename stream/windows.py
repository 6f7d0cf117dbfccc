"""Windows: runs of consecutive slices that a metric is read over."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, TEN_SECONDS_MS, UNITS_MS, Calendar

Interval = tuple[int, int]
"""Half-open, in epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """A named window; ``interval(calendar, as_of_ms)`` is what it covers when read at that event time.

    It ends with the slice that contains ``as_of_ms``, so that all up to now is in it. ``by_day`` windows consist of
    whole local days: only over these can distinct customers be counted. It consists of slices, and moves in steps, of
    ``slice_ms``.
    """

    name: str
    interval: Callable[[Calendar, int], Interval]
    by_day: bool = False
    slice_ms: int = DAY_MS

    def covered(self, calendar: Calendar, now_ms: int, closed: bool = False) -> Interval:
        """What is read of it at ``now_ms``: all of its last slice, or (``closed``) nothing from ``now_ms`` on.

        A window of days ends with today: there is nothing after it yet.
        """
        start_ms, end_ms = self.interval(calendar, now_ms - 1 if closed else now_ms)
        if closed:
            end_ms = now_ms
        elif self.by_day:
            end_ms = min(end_ms, calendar.day_end_ms(calendar.day_start_ms(now_ms)))
        return start_ms, end_ms

    def previous(self, calendar: Calendar, start_ms: int) -> Interval:
        """The same window before the one that begins at ``start_ms``, of which it is the end."""
        return self.interval(calendar, start_ms - 1)[0], start_ms

    def before_ms(self, calendar: Calendar, start_ms: int) -> int | None:
        """When the period before one that begins at ``start_ms`` began; None where it is not made of whole days."""
        return self.interval(calendar, start_ms - 1)[0] if self.by_day else None


def sliding(name: str, length_ms: int, slice_ms: int) -> Window:
    """The last ``length_ms``, moving in steps of ``slice_ms``.

    >>> sliding("1m", MINUTE_MS, TEN_SECONDS_MS).interval(Calendar(), 125_000)
    (70000, 130000)
    """

    def interval(calendar: Calendar, as_of_ms: int) -> Interval:
        end_ms = calendar.slice_end_ms(slice_ms, calendar.slice_start_ms(slice_ms, as_of_ms))
        return calendar.slice_start_ms(slice_ms, end_ms - length_ms), end_ms

    return Window(name, interval, slice_ms=slice_ms)


def trailing_days(name: str, days: int) -> Window:
    """Today so far and the ``days - 1`` local days before it."""

    def interval(calendar: Calendar, as_of_ms: int) -> Interval:
        today_ms = calendar.day_start_ms(as_of_ms)
        return calendar.shift_days_ms(today_ms, 1 - days), calendar.day_end_ms(today_ms)

    return Window(name, interval, by_day=True)


def _day(calendar: Calendar, as_of_ms: int) -> Interval:
    start_ms = calendar.day_start_ms(as_of_ms)
    return start_ms, calendar.day_end_ms(start_ms)


WINDOWS = {
    window.name: window
    for window in (
        sliding("1m", MINUTE_MS, TEN_SECONDS_MS),
        sliding("5m", 5 * MINUTE_MS, TEN_SECONDS_MS),
        sliding("15m", 15 * MINUTE_MS, MINUTE_MS),
        sliding("1h", HOUR_MS, MINUTE_MS),
        sliding("1d", DAY_MS, HOUR_MS),
        trailing_days("7d", 7),
        trailing_days("30d", 30),
        Window("day", _day, by_day=True),
        Window("week", Calendar.week_ms, by_day=True),
        Window("month", Calendar.month_ms, by_day=True),
    )
}
"""The usual windows by name: sliding ones, then the calendar day, ISO week and month."""

LENGTHS = "90s, 45m, 12h or 14d"
"""What other windows may be called, for messages."""
_STEPS = ((5 * MINUTE_MS, TEN_SECONDS_MS), (3 * HOUR_MS, MINUTE_MS), (7 * DAY_MS, HOUR_MS))
"""Windows up to a length consist of slices, and move in steps, of another: which are kept for much longer than that."""
_MOST_DAYS = 370


@cache
def find_window(name: str) -> Window | None:
    """The window of that name, which is one of ``WINDOWS`` or a length; None where there is none.

    A length is a whole number of its slices: of ten seconds up to 5 minutes, of minutes up to 3 hours, of hours up to 7
    days; in days (2 to 370) it is today so far and the local days before.

    >>> find_window("45m").interval(Calendar(), 46 * MINUTE_MS) == (2 * MINUTE_MS, 47 * MINUTE_MS)
    True
    >>> [find_window(name) for name in ("45", "0m", "95s", "200m", "1000d")]
    [None, None, None, None, None]
    """
    known = WINDOWS.get(name)
    match = re.fullmatch("([1-9][0-9]{0,3})([smhd])", name)
    if known is not None or match is None:
        return known
    number, unit = int(match[1]), match[2]
    if unit == "d":
        return trailing_days(name, number) if number <= _MOST_DAYS else None
    length_ms = number * UNITS_MS[unit]
    step_ms = next((step_ms for most_ms, step_ms in _STEPS if length_ms <= most_ms), None)
    return sliding(name, length_ms, step_ms) if step_ms and length_ms % step_ms == 0 else None


def known_window(name: str) -> Window:
    """The same for a name that was looked at before.

    Raises:
        KeyError: there is none.
    """
    found = find_window(name)
    if found is None:
        raise KeyError(name)
    return found
