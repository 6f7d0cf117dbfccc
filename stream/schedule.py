"""Business hours: when somebody is there, week by week, and how much of a stretch of time that is.

    monday   ──────┤09:00 ███████ 12:00├──┤13:00 ██████████ 17:00├──────
    holiday  ───────────────────────────────────────────────────────────

An instant is in business hours where a clock on the wall shows a time that is. So what the clock shows twice, as it
goes back in autumn, counts twice; what it leaves out in spring does not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import date as Date  # noqa: N812 - as in slices

from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Stretch = tuple[int, int]
Week = tuple[tuple[Stretch, ...], ...]
"""For each day from Monday on, stretches from one minute of the day up to another; they do not overlap."""
_MOST_DAYS = 10_000
_NEVER: tuple[tuple[Stretch, ...], ...] = ((),) * 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Business hours of a ``week``, but for ``holidays``, as clocks show it in the zone of ``calendar``.

    >>> nine_to_five = Schedule(Calendar(), (((540, 1020),),) * 5 + ((),) * 2)
    >>> thursday = 1_767_225_600_000  # 2026-01-01 00:00
    >>> nine_to_five.within_ms(thursday + 16 * HOUR_MS, thursday + DAY_MS + 10 * HOUR_MS) // HOUR_MS
    2
    """

    calendar: Calendar = field(default_factory=Calendar)
    week: Week = _NEVER
    holidays: frozenset[Date] = frozenset()
    _days: dict[int, tuple[Stretch, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def within_ms(self, start_ms: int, end_ms: int) -> int:
        """How much of [start, end) is in business hours."""
        found = 0
        for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
            for first_ms, last_ms in self._day(day):
                found += max(0, min(last_ms, end_ms) - max(first_ms, start_ms))
        return found

    def _day(self, number: int) -> tuple[Stretch, ...]:
        """The business hours in a day of UTC, by its number since 1970; remembered."""
        found = self._days.get(number)
        if found is None:
            if len(self._days) >= _MOST_DAYS:
                self._days.clear()
            found = self._days[number] = tuple(self._business(number * DAY_MS, (number + 1) * DAY_MS))
        return found

    def _business(self, start_ms: int, end_ms: int) -> Iterator[Stretch]:
        for first_ms, last_ms, offset_ms in self._steady(start_ms, end_ms):
            for open_ms, close_ms in self._shown(first_ms + offset_ms, last_ms + offset_ms):
                yield open_ms - offset_ms, close_ms - offset_ms

    def _steady(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, int]]:
        """Parts of [start, end) in which the clocks do not change, and how far they are ahead of UTC."""
        at_ms = start_ms
        for hour_ms in range(start_ms, end_ms, HOUR_MS):
            before_ms, after_ms = self.calendar.offset_ms(hour_ms), self.calendar.offset_ms(hour_ms + HOUR_MS)
            if before_ms != after_ms:
                change_ms = self._change_ms(hour_ms, hour_ms + HOUR_MS)
                yield at_ms, change_ms, before_ms
                at_ms = change_ms
        yield at_ms, end_ms, self.calendar.offset_ms(end_ms - 1)

    def _change_ms(self, start_ms: int, end_ms: int) -> int:
        """The first second in (start, end] in which the clocks are other than at the start."""
        before_ms = self.calendar.offset_ms(start_ms)
        while end_ms - start_ms > SECOND_MS:
            middle_ms = start_ms + (end_ms - start_ms) // (2 * SECOND_MS) * SECOND_MS
            if self.calendar.offset_ms(middle_ms) == before_ms:
                start_ms = middle_ms
            else:
                end_ms = middle_ms
        return end_ms

    def _shown(self, start_ms: int, end_ms: int) -> Iterator[Stretch]:
        """The business hours from one time that clocks show up to another; both as if they showed UTC."""
        for number in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
            date = (_EPOCH + timedelta(days=number)).date()
            if date not in self.holidays:
                for first, last in self.week[date.weekday()]:
                    open_ms = max(start_ms, number * DAY_MS + first * MINUTE_MS)
                    close_ms = min(end_ms, number * DAY_MS + last * MINUTE_MS)
                    if open_ms < close_ms:
                        yield open_ms, close_ms
