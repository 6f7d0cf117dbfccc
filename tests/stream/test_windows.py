"""Windows: what each covers when it is read, drawn.

├──┤ a slice      ▲ the moment of reading (``as_of``)      ═ the window
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.config import RETENTION_MS
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, TEN_SECONDS_MS, Calendar
from stream.windows import WINDOWS, find_window, known_window, sliding

ZONES = ["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"]
moments = st.integers(1_000_000_000_000, 2_000_000_000_000)


def at(zone: str, text: str) -> int:
    """Epoch milliseconds of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def drawn(window: str, slice_ms: int, slices: int, as_of_ms: int) -> str:
    """The window over the first slices after the epoch."""
    start_ms, end_ms = WINDOWS[window].interval(Calendar(), as_of_ms)
    return "".join("═" if start_ms <= number * slice_ms < end_ms else "·" for number in range(slices))


@pytest.mark.parametrize(
    ("as_of_s", "picture"),
    #    0s  10  20  30  40  50  60  70  80
    [
        (59, "══════···"),  # ▲ in the sixth
        (60, "·══════··"),  # ▲ at the very start of the seventh: it belongs to that one
        (69, "·══════··"),
        (70, "··══════·"),
    ],
)
def test_a_minute_is_six_slices_and_ends_with_the_one_that_contains_now(as_of_s: int, picture: str) -> None:
    assert drawn("1m", TEN_SECONDS_MS, 9, as_of_s * SECOND_MS) == picture


@pytest.mark.parametrize(
    ("as_of_min", "picture"),
    #    0m                    15m
    [(14, "═══════════════···"), (15, "·═══════════════··"), (17, "···═══════════════")],
)
def test_a_quarter_of_an_hour_moves_by_minutes(as_of_min: int, picture: str) -> None:
    assert drawn("15m", MINUTE_MS, 18, as_of_min * MINUTE_MS) == picture


def test_a_day_that_slides_moves_by_hours() -> None:
    assert drawn("1d", HOUR_MS, 30, 26 * HOUR_MS + 5) == "···════════════════════════···"


@settings(deadline=None)
@given(as_of_ms=moments)
@pytest.mark.parametrize("name", ["1m", "5m", "15m", "1h", "1d"])
def test_a_sliding_window_has_its_length_and_contains_now(name: str, as_of_ms: int) -> None:
    lengths = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS, "1d": DAY_MS}
    start_ms, end_ms = WINDOWS[name].interval(Calendar(), as_of_ms)
    assert end_ms - start_ms == lengths[name]
    assert start_ms <= as_of_ms < end_ms
    assert end_ms % TEN_SECONDS_MS == 0


@settings(deadline=None, max_examples=60)
@given(as_of_ms=moments)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", [name for name, window in WINDOWS.items() if window.by_day])
def test_a_window_of_days_begins_and_ends_at_a_local_midnight(name: str, zone: str, as_of_ms: int) -> None:
    calendar = Calendar(zone)
    start_ms, end_ms = WINDOWS[name].interval(calendar, as_of_ms)
    assert start_ms <= as_of_ms < end_ms
    for edge_ms in (start_ms, end_ms):
        local = datetime.fromtimestamp(edge_ms / 1000, ZoneInfo(zone))
        assert (local.hour, local.minute, local.second) == (0, 0, 0)


@settings(deadline=None, max_examples=60)
@given(as_of_ms=moments)
@pytest.mark.parametrize("zone", ZONES)
def test_trailing_days_count_days_and_not_hours(zone: str, as_of_ms: int) -> None:
    calendar = Calendar(zone)
    for name, days in (("day", 1), ("7d", 7), ("30d", 30)):
        start_ms, end_ms = WINDOWS[name].interval(calendar, as_of_ms)
        assert calendar.date(end_ms - 1) == calendar.date(as_of_ms)
        assert calendar.date(start_ms) == calendar.date(as_of_ms) - timedelta(days=days - 1)


@pytest.mark.parametrize(
    ("zone", "as_of", "start", "end"),
    [
        ("UTC", "2026-01-01T00:00", "2025-12-29T00:00", "2026-01-05T00:00"),
        ("UTC", "2026-01-04T23:59", "2025-12-29T00:00", "2026-01-05T00:00"),
        ("UTC", "2026-01-05T00:00", "2026-01-05T00:00", "2026-01-12T00:00"),
        ("Europe/Oslo", "2026-03-29T23:59", "2026-03-23T00:00", "2026-03-30T00:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-03-30T00:00", "2026-04-06T00:00"),
        ("Asia/Kathmandu", "2026-01-05T00:00", "2026-01-05T00:00", "2026-01-12T00:00"),
    ],
)
def test_an_iso_week_runs_from_monday_to_monday(zone: str, as_of: str, start: str, end: str) -> None:
    assert WINDOWS["week"].interval(Calendar(zone), at(zone, as_of)) == (at(zone, start), at(zone, end))


@pytest.mark.parametrize(
    ("zone", "as_of", "start", "end"),
    [
        ("UTC", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("UTC", "2024-02-29T12:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("UTC", "2026-02-01T00:00", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("Europe/Oslo", "2026-10-31T23:59", "2026-10-01T00:00", "2026-11-01T00:00"),
        ("Asia/Kathmandu", "2026-01-31T23:59", "2026-01-01T00:00", "2026-02-01T00:00"),
    ],
)
def test_a_month_is_a_calendar_month(zone: str, as_of: str, start: str, end: str) -> None:
    assert WINDOWS["month"].interval(Calendar(zone), at(zone, as_of)) == (at(zone, start), at(zone, end))


@settings(deadline=None)
@given(as_of_ms=moments, by=st.integers(0, 10 * DAY_MS))
@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_never_goes_back(name: str, as_of_ms: int, by: int) -> None:
    calendar = Calendar("Europe/Oslo")
    before, after = (WINDOWS[name].interval(calendar, time_ms) for time_ms in (as_of_ms, as_of_ms + by))
    assert before[0] <= after[0]
    assert before[1] <= after[1]


def test_every_window_of_the_contract_is_there() -> None:
    assert list(WINDOWS) == ["1m", "5m", "15m", "1h", "1d", "7d", "30d", "day", "week", "month"]
    assert [name for name, window in WINDOWS.items() if window.by_day] == ["7d", "30d", "day", "week", "month"]


def test_a_window_of_one_slice_jumps() -> None:
    window = sliding("10s", TEN_SECONDS_MS, TEN_SECONDS_MS)
    assert window.interval(Calendar(), 9_999) == (0, 10_000)
    assert window.interval(Calendar(), 10_000) == (10_000, 20_000)


LENGTHS_MS = {
    "30s": 30 * SECOND_MS,
    "300s": 300 * SECOND_MS,
    "330s": None,  # longer than five minutes: minutes
    "2m": 2 * MINUTE_MS,
    "360s": 6 * MINUTE_MS,
    "45m": 45 * MINUTE_MS,
    "180m": 3 * HOUR_MS,
    "190m": None,  # longer than three hours: hours
    "2h": 2 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "168h": 7 * DAY_MS,
    "169h": None,
    "14d": 14 * DAY_MS,
    "370d": 370 * DAY_MS,
    "371d": None,
    "0m": None,
    "01m": None,
    "5": None,
    "m": None,
    "1w": None,
    "٣m": None,  # a digit, but not one of ours
}


@pytest.mark.parametrize(("name", "length_ms"), LENGTHS_MS.items())
def test_a_window_may_have_any_length_that_its_slices_allow(name: str, length_ms: int | None) -> None:
    found = find_window(name)
    if length_ms is None:
        assert found is None
        with pytest.raises(KeyError):
            known_window(name)
        return
    assert found is not None
    start_ms, end_ms = found.interval(Calendar(), 40 * 365 * DAY_MS + 12_345_678)
    assert end_ms - start_ms == length_ms
    assert found.by_day == name.endswith("d")


@settings(deadline=None)
@given(as_of_ms=moments, number=st.integers(1, 400), unit=st.sampled_from("smhd"))
def test_the_slices_of_a_window_are_kept_for_an_hour_longer_than_it(as_of_ms: int, number: int, unit: str) -> None:
    found = find_window(f"{number}{unit}")
    if found is None:
        return
    start_ms, end_ms = found.interval(Calendar(), as_of_ms)
    assert start_ms <= as_of_ms < end_ms
    fit = [slice_ms for slice_ms in RETENTION_MS if start_ms % slice_ms == end_ms % slice_ms == 0]
    assert any(RETENTION_MS[slice_ms] >= end_ms - start_ms + 55 * MINUTE_MS for slice_ms in fit)
