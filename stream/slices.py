"""Slices of time: what counters are kept for, in four resolutions.

        |--------------------- day ---------------------|
        |--- hour ---|--- hour ---| ...
        |min|min|min| ...
        |·|·|·|·|·|·|   ten seconds

All are half-open and in epoch milliseconds. Days begin at midnight of the configured time zone and may have 23 or 25
hours; hours are counted from midnight; the shorter ones are aligned to the epoch.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import date as Date  # noqa: N812 - a method is called date
from zoneinfo import ZoneInfo

SECOND_MS = 1_000
TEN_SECONDS_MS = 10_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

UNITS_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
"""Milliseconds by the letter that stands for a unit of time."""

RESOLUTIONS = (TEN_SECONDS_MS, MINUTE_MS, HOUR_MS, DAY_MS)
"""From the finest to the coarsest, by nominal length."""

_QUARTER_MS = 900_000
"""Every UTC offset in use since 1990 is a multiple of it, so that one look-up serves a quarter of an hour."""

EARLIEST_MS = 631_152_000_000
"""1990-01-01 UTC: nothing earlier is a touchpoint."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days, ISO weeks and months of one time zone.

    >>> oslo = Calendar("Europe/Oslo")
    >>> oslo.day_end_ms(oslo.day_start_ms(1774742400000)) - oslo.day_start_ms(1774742400000) == 23 * HOUR_MS
    True
    """

    zone: str = "UTC"
    _tz: tzinfo = field(init=False, repr=False, compare=False)
    _starts: dict[int, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tz", UTC if self.zone == "UTC" else ZoneInfo(self.zone))

    def date(self, time_ms: int) -> Date:
        """The local day that contains ``time_ms``."""
        return (datetime.fromtimestamp(time_ms // SECOND_MS, UTC)).astimezone(self._tz).date()

    def offset_ms(self, time_ms: int) -> int:
        """How far clocks are ahead of UTC at ``time_ms``; negative in the west."""
        offset = datetime.fromtimestamp(time_ms // SECOND_MS, self._tz).utcoffset() or timedelta()
        return round(offset.total_seconds()) * SECOND_MS

    def midnight_ms(self, day: Date) -> int:
        """When the local ``day`` begins."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self._tz).timestamp()) * SECOND_MS

    def day_start_ms(self, time_ms: int) -> int:
        """When the day that contains ``time_ms`` began."""
        if self._tz is UTC:
            return time_ms - time_ms % DAY_MS
        quarter = time_ms // _QUARTER_MS
        start = self._starts.get(quarter)
        if start is None:
            if len(self._starts) > 100_000:
                self._starts.clear()
            start = self._starts[quarter] = self._midnight_before_ms(time_ms)
        return start

    def _midnight_before_ms(self, time_ms: int) -> int:
        """The last midnight. Clocks that go back over midnight show the former date again, in the new day."""
        day = self.date(time_ms)
        next_ms = self.midnight_ms(day + timedelta(days=1))
        return next_ms if next_ms <= time_ms else self.midnight_ms(day)

    def day_end_ms(self, start_ms: int) -> int:
        """When the day that begins at ``start_ms`` ends."""
        return self.shift_days_ms(start_ms, 1)

    def shift_days_ms(self, start_ms: int, days: int) -> int:
        """The midnight ``days`` after the one at ``start_ms``."""
        if self._tz is UTC:
            return start_ms + days * DAY_MS
        return self.midnight_ms(self.date(start_ms) + timedelta(days=days))

    def days_before_ms(self, start_ms: int, end_ms: int) -> int:
        """The midnight as many days before the one at ``start_ms`` as there are from there to ``end_ms``."""
        return self.shift_days_ms(start_ms, self.day_number(start_ms) - self.day_number(end_ms - 1) - 1)

    def week_ms(self, time_ms: int) -> tuple[int, int]:
        """Start and end of the ISO week (from Monday) that contains ``time_ms``."""
        day = self.date(time_ms)
        monday = day - timedelta(days=day.weekday())
        return self.midnight_ms(monday), self.midnight_ms(monday + timedelta(days=7))

    def month_ms(self, time_ms: int) -> tuple[int, int]:
        """Start and end of the calendar month that contains ``time_ms``."""
        first = self.date(time_ms).replace(day=1)
        return self.midnight_ms(first), self.midnight_ms((first + timedelta(days=31)).replace(day=1))

    def day_number(self, time_ms: int) -> int:
        """The local day that contains ``time_ms``, counted from 0001-01-01 = 1."""
        return self.date(self.day_start_ms(time_ms)).toordinal()

    def day_number_start_ms(self, number: int) -> int:
        """When the local day of that number begins; undoes ``day_number``."""
        return self.midnight_ms(Date.fromordinal(number))

    def slice_start_ms(self, resolution_ms: int, time_ms: int) -> int:
        """When the slice that contains ``time_ms`` began."""
        if resolution_ms < HOUR_MS or self._tz is UTC:
            return time_ms - time_ms % resolution_ms
        start_ms = self.day_start_ms(time_ms)
        return start_ms if resolution_ms == DAY_MS else time_ms - (time_ms - start_ms) % HOUR_MS

    def slice_end_ms(self, resolution_ms: int, start_ms: int) -> int:
        """When the slice that begins at ``start_ms`` ends."""
        if resolution_ms == DAY_MS:
            return self.day_end_ms(start_ms)
        end_ms = start_ms + resolution_ms
        if resolution_ms < HOUR_MS or self._tz is UTC:
            return end_ms
        return min(end_ms, self.day_end_ms(self.day_start_ms(start_ms)))
