"""Business hours equal those of a clock on the wall, looked at minute by minute, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.schedule import Schedule, Week
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, Calendar

ZONES = ("UTC", "Europe/Oslo", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana")
# In St. John's the clocks changed at one minute past midnight until 2011, in Havana they go back from 1:00 to 0:00.
CHANGES = [
    int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000
    for day in ((2026, 3, 29), (2026, 10, 25), (2026, 4, 5), (2010, 11, 7), (2010, 3, 14), (2026, 11, 1), (2026, 3, 8))
]
NINE_TO_FIVE: Week = (((540, 1020),),) * 5 + ((),) * 2


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Up to two stretches a day, some at night."""
    edges = st.lists(st.integers(0, 96), unique=True, max_size=4).map(sorted)
    days = [draw(edges) for _ in range(7)]
    return tuple(
        tuple((15 * first, 15 * last) for first, last in zip(day[::2], day[1::2], strict=False)) for day in days
    )


def by_the_minute(start: int, end: int, zone: str, week: Week, holidays: frozenset[date]) -> int:
    """Minutes of [start, end), both whole minutes, at which the clock shows business hours."""
    found = 0
    for time in range(start, end, MINUTE_MS):
        shown = datetime.fromtimestamp(time // 1_000, ZoneInfo(zone))
        minute = 60 * shown.hour + shown.minute
        if shown.date() not in holidays and any(first <= minute < last for first, last in week[shown.weekday()]):
            found += MINUTE_MS
    return found


@settings(deadline=None, max_examples=150)
@given(
    zone=st.sampled_from(ZONES),
    week=weeks(),
    change=st.sampled_from(CHANGES),
    before=st.integers(-1_500, 2_500),
    minutes=st.integers(0, 4_000),
    holiday=st.one_of(st.none(), st.integers(-2, 2)),
)
@example(zone="America/St_Johns", week=(((0, 1_440),),) * 7, change=CHANGES[3], before=0, minutes=600, holiday=None)
@example(zone="America/Havana", week=(((0, 60),),) * 7, change=CHANGES[5], before=0, minutes=2_000, holiday=0)
def test_business_time_equals_the_minutes_that_a_clock_shows(
    zone: str, week: Week, change: int, before: int, minutes: int, holiday: int | None
) -> None:
    start = change - before * MINUTE_MS
    end = start + minutes * MINUTE_MS
    day = datetime.fromtimestamp(change // 1_000, UTC).date()
    holidays = frozenset() if holiday is None else frozenset({day + timedelta(days=holiday)})
    schedule = Schedule(Calendar(zone), week, holidays)
    assert schedule.within_ms(start, end) == by_the_minute(start, end, zone, week, holidays)


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    edges=st.lists(st.integers(0, 40 * DAY_MS), min_size=3, max_size=3).map(sorted),
)
def test_two_parts_are_as_long_as_the_whole(zone: str, edges: list[int]) -> None:
    start, middle, end = (CHANGES[0] - 20 * DAY_MS + edge for edge in edges)
    schedule = Schedule(Calendar(zone), NINE_TO_FIVE)
    parts = schedule.within_ms(start, middle), schedule.within_ms(middle, end)
    assert sum(parts) == schedule.within_ms(start, end)
    assert all(0 <= part <= whole for part, whole in zip(parts, (middle - start, end - middle), strict=True))


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 40), ("Europe/Oslo", 40), ("Asia/Kathmandu", 40)])
def test_a_week_from_nine_to_five_has_forty_hours_also_where_the_clocks_change_on_its_sunday(
    zone: str, hours: int
) -> None:
    calendar = Calendar(zone)
    monday = calendar.midnight_ms(date(2026, 3, 23))
    assert Schedule(calendar, NINE_TO_FIVE).within_ms(monday, calendar.shift_days_ms(monday, 7)) == hours * HOUR_MS


def test_an_hour_that_the_clock_shows_twice_counts_twice_and_one_that_it_leaves_out_does_not() -> None:
    oslo = Calendar("Europe/Oslo")
    at_night = Schedule(oslo, (((120, 180),),) * 7)
    for day, hours in ((date(2026, 3, 28), 1), (date(2026, 3, 29), 0), (date(2026, 10, 25), 2)):
        midnight = oslo.midnight_ms(day)
        assert at_night.within_ms(midnight, oslo.day_end_ms(midnight)) == hours * HOUR_MS
