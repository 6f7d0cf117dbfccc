"""Slices: days of 23, 24 and 25 hours, and time without gaps or overlaps. What is read from them equals a plain sum."""

from datetime import date, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.config import Config
from stream.counters import Counters, merged
from stream.history import History
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, RESOLUTIONS, TEN_SECONDS_MS, Calendar

ZONES = [
    *("UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham"),
    *("America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Africa/Casablanca"),
]
"""The last ones change their clocks at midnight, so that it comes twice or not at all."""
moments = st.integers(1_150_000_000_000, 2_000_000_000_000)


def midnight(zone: str, text: str) -> int:
    return Calendar(zone).midnight_ms(date.fromisoformat(text))


#   Europe/Oslo, 2026-03-29            Europe/Oslo, 2026-10-25
#
#   00  01  03  04       24            00  01  02  02  03       24
#   |---|---|---| ...  ---|            |---|---|---|---| ...  ---|
#         ^ 02 is left out                     ^ 02 comes twice
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Oslo", "2026-03-28", 24),
        ("Europe/Oslo", "2026-03-29", 23),
        ("Europe/Oslo", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Asia/Kathmandu", "2026-03-29", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Sao_Paulo", "2019-02-16", 25),
        ("Asia/Beirut", "2026-03-29", 23),
        ("America/Havana", "2026-11-01", 25),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_give_it(zone: str, day: str, hours: float) -> None:
    start_ms = midnight(zone, day)
    assert Calendar(zone).day_end_ms(start_ms) - start_ms == hours * HOUR_MS


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Oslo"])
def test_a_day_begins_at_the_local_midnight(zone: str) -> None:
    noon_ms = int(datetime(2026, 6, 15, 12, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
    start_ms = Calendar(zone).day_start_ms(noon_ms)
    assert noon_ms - start_ms == 12 * HOUR_MS
    assert Calendar(zone).day_start_ms(start_ms) == start_ms
    assert Calendar(zone).day_start_ms(start_ms - 1) < start_ms


@settings(deadline=None, max_examples=80)
@given(time_ms=moments)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("resolution_ms", RESOLUTIONS)
def test_slices_tile_time(resolution_ms: int, zone: str, time_ms: int) -> None:
    calendar = Calendar(zone)
    start_ms = calendar.slice_start_ms(resolution_ms, time_ms)
    end_ms = calendar.slice_end_ms(resolution_ms, start_ms)
    assert start_ms <= time_ms < end_ms
    assert calendar.slice_start_ms(resolution_ms, start_ms) == start_ms
    assert calendar.slice_start_ms(resolution_ms, end_ms - 1) == start_ms
    assert calendar.slice_start_ms(resolution_ms, end_ms) == end_ms


@pytest.mark.parametrize("zone", [*ZONES, "America/New_York"])
def test_the_days_of_two_years_follow_each_other_without_a_gap(zone: str) -> None:
    calendar = Calendar(zone)
    starts = [calendar.midnight_ms(date.fromordinal(n)) for n in range(739_000, 739_000 + 730)]
    for start_ms, next_ms in pairwise(starts):
        assert calendar.day_end_ms(start_ms) == next_ms
        for time_ms in (start_ms, start_ms + 1, start_ms + HOUR_MS, next_ms - HOUR_MS, next_ms - 1):
            assert calendar.day_start_ms(time_ms) == start_ms


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/St_Johns", "2010-11-07"), ("America/Goose_Bay", "2010-11-07"), ("America/Moncton", "2006-10-29")],
)
def test_a_midnight_that_comes_twice_in_two_days_begins_one_of_them(zone: str, day: str) -> None:
    calendar, start_ms = Calendar(zone), midnight(zone, day)
    for time_ms in range(start_ms - HOUR_MS, start_ms + 2 * HOUR_MS, MINUTE_MS):
        first_ms = calendar.day_start_ms(time_ms)
        assert first_ms <= time_ms < calendar.day_end_ms(first_ms)


@settings(deadline=None, max_examples=80)
@given(time_ms=moments)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a_day_number_leads_back_to_its_day(zone: str, time_ms: int) -> None:
    calendar = Calendar(zone)
    number = calendar.day_number(time_ms)
    assert calendar.day_number_start_ms(number) == calendar.day_start_ms(time_ms)
    assert calendar.day_number(calendar.day_end_ms(calendar.day_start_ms(time_ms))) == number + 1


def test_coarser_slices_are_made_of_finer_ones() -> None:
    assert all(coarse % fine == 0 for fine, coarse in pairwise(RESOLUTIONS))


# History


def filled(zone: str, seed: int, start_ms: int, days: int) -> tuple[History, dict[int, Counters]]:
    """A history of some random counters, and these by 10 s."""
    random, calendar = Random(seed), Calendar(zone)
    finest: dict[int, Counters] = {}
    for _ in range(300):
        at_ms = start_ms + random.randrange(0, days * DAY_MS, TEN_SECONDS_MS)
        finest[at_ms] = {random.choice("abc"): random.choice((-2, 1, 3))}
    history = History(Config(calendar=calendar))
    for resolution_ms in RESOLUTIONS:
        slices: dict[int, list[Counters]] = {}
        for at_ms, counters in finest.items():
            slices.setdefault(calendar.slice_start_ms(resolution_ms, at_ms), []).append(counters)
        for slice_ms, many in slices.items():
            history.add((), resolution_ms, slice_ms, merged(many))
    return history, finest


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), edges=st.lists(st.integers(0, 5 * 8_640 - 1), min_size=2, max_size=8, unique=True))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("around", ["2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23"])
def test_any_stretch_of_10_s_reads_the_plain_sum(zone: str, around: str, seed: int, edges: list[int]) -> None:
    first_ms = midnight("UTC", around)
    history, finest = filled(zone, seed, first_ms, days=5)
    for start, end in pairwise(sorted(edges)):
        start_ms, end_ms = (first_ms + edge * TEN_SECONDS_MS for edge in (start, end))
        inside = [counters for at_ms, counters in finest.items() if start_ms <= at_ms < end_ms]
        assert history.read((), start_ms, end_ms).total == merged(inside)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("around", ["2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24"])
def test_a_stretch_that_ends_just_before_or_after_a_midnight_reads_the_plain_sum(zone: str, around: str) -> None:
    calendar, start_ms = Calendar(zone), midnight(zone, around)
    history, finest = filled(zone, 7, start_ms, days=3)
    for days in (1, 2):
        for off_ms in (-HOUR_MS, -MINUTE_MS, -TEN_SECONDS_MS, 0, TEN_SECONDS_MS, HOUR_MS):
            end_ms = calendar.shift_days_ms(start_ms, days) + off_ms
            inside = [counters for at_ms, counters in finest.items() if start_ms <= at_ms < end_ms]
            assert history.read((), start_ms, end_ms).total == merged(inside)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("around", ["2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23"])
def test_days_are_read_one_by_one_and_the_last_one_as_far_as_it_goes(zone: str, around: str, seed: int) -> None:
    calendar, start_ms = Calendar(zone), midnight(zone, around)
    history, finest = filled(zone, seed, start_ms, days=5)
    end_ms = calendar.shift_days_ms(start_ms, 3) + 5 * HOUR_MS + 20_000
    reading = history.read((), start_ms, end_ms, by_day=True)
    edges = [calendar.shift_days_ms(start_ms, number) for number in range(4)] + [end_ms]
    expected = [merged(c for t, c in finest.items() if first <= t < last) for first, last in pairwise(edges)]
    assert reading.days == expected
    assert reading.total == merged(expected)


def test_what_is_not_aligned_is_refused() -> None:
    history, _ = filled("UTC", 1, 0, 1)
    with pytest.raises(ValueError, match="aligned"):
        history.read((), 5, 20_000)


def test_a_segment_without_data_reads_nothing() -> None:
    history = History(Config())
    assert history.read((), 0, DAY_MS).total == {}
    assert history.read((), 0, DAY_MS, by_day=True).days == [{}]


def test_a_segment_that_lost_its_last_slice_is_gone() -> None:
    history = History(Config())
    history.add((), DAY_MS, 0, {"a": 1})
    history.add((("channel", "web"),), DAY_MS, 0, {"a": 1})
    history.drop((), DAY_MS, 0)
    history.drop((), DAY_MS, 0)
    assert history.segments() == [(("channel", "web"),)]
