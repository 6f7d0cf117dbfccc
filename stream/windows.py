"""Windows: runs of consecutive slices that a metric is read over."""

from collections.abc import Callable
from dataclasses import dataclass

from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, TEN_SECONDS_MS, Calendar

Interval = tuple[int, int]
"""Half-open, in epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """A named window; ``interval(calendar, as_of_ms)`` is what it covers when read at that event time.

    It ends with the slice that contains ``as_of_ms``, so that all up to now is in it. ``by_day`` windows consist of
    whole local days: only over these can distinct customers be counted.
    """

    name: str
    interval: Callable[[Calendar, int], Interval]
    by_day: bool = False


def sliding(name: str, length_ms: int, slice_ms: int) -> Window:
    """The last ``length_ms``, moving in steps of ``slice_ms``.

    >>> sliding("1m", MINUTE_MS, TEN_SECONDS_MS).interval(Calendar(), 125_000)
    (70000, 130000)
    """

    def interval(calendar: Calendar, as_of_ms: int) -> Interval:
        end_ms = calendar.slice_end_ms(slice_ms, calendar.slice_start_ms(slice_ms, as_of_ms))
        return calendar.slice_start_ms(slice_ms, end_ms - length_ms), end_ms

    return Window(name, interval)


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
"""Every window there is, by name: sliding ones, then the calendar day, ISO week and month."""
