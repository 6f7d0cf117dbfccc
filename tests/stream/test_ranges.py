"""Ranges read from cells: what they read is what a naive count over the events gives, or they are refused."""

from collections import namedtuple
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cell import Cell, CellKey, Watermark, WatermarkKey, encode
from stream.cellmail import mail
from stream.config import Config
from stream.fold import Fold
from stream.ranges import Ledger
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, TEN_SECONDS_MS, Calendar
from stream.spans import RangeError, Span, moment, range_span, window_span, written

Record = namedtuple("Record", "offset key value")
NOW_MS = 1_780_300_800_000 + 13 * HOUR_MS + 37 * MINUTE_MS + 12_345  # 2026-06-01T21:37:12.345Z
ZONES = ("UTC", "Europe/Oslo", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")


def events(seed):
    """Chats over eleven days, ever denser towards the end: a list of (customer, time)."""
    random = Random(seed)
    lengths = (MINUTE_MS, HOUR_MS, 7 * HOUR_MS, 3 * DAY_MS, 11 * DAY_MS)
    times = sorted(NOW_MS - random.randrange(random.choice(lengths)) for _ in range(400))
    return [(f"c{random.randrange(60)}", time_ms) for time_ms in [*times, NOW_MS]]


def ledger_of(happened, config, batch=37):
    """The ledger that two partitions' cells come to, as they go over the topic."""
    ledger = Ledger(config)
    for partition in (0, 1):
        mine = [one for one in happened if int(one[0][1:]) % 2 == partition]
        values = [
            msgspec.json.encode({"id": str(n), "type": "chat.started", "time": at, "customer": who, "channel": "chat"})
            for n, (who, at) in enumerate(mine)
        ]
        fold = Fold(config, "touchpoints", partition, lambda _: None)
        records = [Record(offset, None, value) for offset, value in enumerate(values)]
        for first in range(0, len(records), batch):
            folded = fold.process(records[first : first + batch], NOW_MS)
            for pairs in mail(folded, partition, 3, 0).values():
                for key, value in pairs:
                    ledger.merge(key, value)
            fold.settle()
    return ledger


LEDGERS = {zone: ledger_of(events(1), Config(calendar=Calendar(zone))) for zone in ZONES}
DAYS = range(0, 4 * DAY_MS, DAY_MS)
STEPS = st.sampled_from((SECOND_MS, TEN_SECONDS_MS, MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, DAY_MS))


@st.composite
def spans(draw):
    """A zone and a range whose edges lie on all kinds of slices, or beside them."""
    zone = draw(st.sampled_from(ZONES))
    calendar = Calendar(zone)

    def edge():
        time_ms = NOW_MS - draw(st.integers(-2 * DAY_MS, 12 * DAY_MS))
        step_ms = draw(STEPS)
        return calendar.day_start_ms(time_ms) if step_ms == DAY_MS else time_ms - time_ms % step_ms

    start_ms, end_ms = sorted((edge(), edge()))
    return zone, range_span(start_ms, end_ms if end_ms > start_ms else start_ms + DAY_MS, calendar)


def naive(zone, start_ms, end_ms):
    """Touchpoints and distinct customers of [start, end)."""
    found = [who for who, at in events(1) if start_ms <= at < end_ms]
    return len(found), len(set(found))


def assert_reads(zone, span):
    values = LEDGERS[zone].values((), span)
    touchpoints, customers = naive(zone, span.start_ms, span.end_ms)
    assert (values["touchpoints"].value if "touchpoints" in values else 0) == touchpoints
    if span.by_day and touchpoints:
        assert values["active_customers"].value == customers


@settings(deadline=None)
@given(spans())
def test_a_range_reads_what_a_naive_count_gives_or_is_refused_with_one_that_does(case):
    zone, span = case
    ledger, calendar = LEDGERS[zone], Calendar(zone)
    try:
        ledger.check(span)
    except RangeError as refusal:
        words = str(refusal).split()
        start, end = (words[words.index(option) + 1] for option in ("--from", "--to"))
        span = range_span(moment(start, calendar)[0], moment(end, calendar)[0], calendar)
        ledger.check(span)
    assert_reads(zone, span)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("window", ["1m", "5m", "15m", "1h", "1d", "7d", "30d", "day", "week", "month"])
def test_every_window_can_be_read_now(zone, window):
    calendar = Calendar(zone)
    span = window_span(window, calendar, NOW_MS)
    LEDGERS[zone].check(span)
    assert_reads(zone, span)


def at(text):
    return moment(text, Calendar())[0]


@pytest.mark.parametrize(
    ("start", "end", "nearest"),
    [
        ("2026-06-01T21:30:03Z", "2026-06-01T21:37:20Z", "--from 2026-06-01T21:30:00Z --to 2026-06-01T21:37:20Z"),
        ("2026-06-01T20:20:40Z", "2026-06-01T21:30:00Z", "--from 2026-06-01T20:21:00Z --to 2026-06-01T21:30:00Z"),
        ("2026-06-01T12:29:00Z", "2026-06-01T20:00:00Z", "--from 2026-06-01T12:00:00Z --to 2026-06-01T20:00:00Z"),
        ("2026-05-22T23:00:00Z", "2026-05-24T11:00:00Z", "--from 2026-05-23 --to 2026-05-24"),
        ("2026-05-23", "2026-05-26T11:45:00Z", "--from 2026-05-23 --to 2026-05-26T12:00:00Z"),
        ("2010-05-23", "2026-05-26", "--from 2024-03-23 --to 2026-05-26"),
    ],
)
def test_a_range_that_is_finer_than_what_is_kept_is_refused_with_the_nearest_one(start, end, nearest):
    with pytest.raises(RangeError, match="not kept that finely") as refusal:
        LEDGERS["UTC"].check(range_span(at(start), at(end), Calendar()))
    assert str(refusal.value).endswith(nearest)


def test_a_range_before_all_that_is_kept_is_refused():
    with pytest.raises(RangeError, match="nothing near it can be read"):
        LEDGERS["UTC"].check(range_span(at("2020-01-01"), at("2021-01-01"), Calendar()))


def test_a_range_far_into_the_future_is_read_at_once():
    span = range_span(at("2026-05-30"), at("9998-01-01"), Calendar())
    LEDGERS["UTC"].check(span)
    assert_reads("UTC", span)


def test_slices_whose_keeping_has_ended_take_no_memory():
    ledger = LEDGERS["UTC"]
    oldest_ms = min(key.start_ms for key in map(msgspec.msgpack.Decoder(CellKey).decode, ledger._known))
    fine = [key for key in map(msgspec.msgpack.Decoder(CellKey).decode, ledger._known) if key.resolution_ms == 10_000]
    assert all(key.start_ms > NOW_MS - 2 * HOUR_MS for key in fine)
    assert oldest_ms < NOW_MS - 10 * DAY_MS


def cell(segment, counters, offset, start_ms=0, partition=0):
    return encode(CellKey(segment, DAY_MS, start_ms, partition)), encode(Cell(counters, offset))


def touchpoints(ledger, segment=()):
    values = ledger.values(segment, Span("day", 0, DAY_MS, True))
    return values["touchpoints"].value if values else None


def test_a_repeated_or_older_total_changes_nothing_and_partitions_add_up():
    ledger = Ledger(Config())
    for record in (
        cell((), {"touchpoints": 5}, 9),
        cell((), {"touchpoints": 5}, 9),
        cell((), {"touchpoints": 3}, 4),
        cell((), {"touchpoints": 2}, 1, partition=1),
    ):
        ledger.merge(*record)
    assert touchpoints(ledger) == 7


def test_a_tombstone_takes_one_partitions_total_away():
    ledger = Ledger(Config())
    ledger.merge(*cell((), {"touchpoints": 5}, 9))
    ledger.merge(*cell((), {"touchpoints": 2}, 1, partition=1))
    ledger.merge(cell((), {}, 0)[0], None)
    assert touchpoints(ledger) == 2
    ledger.merge(cell((), {}, 0, partition=1)[0], None)
    assert touchpoints(ledger) is None
    assert ledger.segments() == []


def test_stocks_are_all_days_before_and_shrink_with_a_tombstone():
    ledger = Ledger(Config())
    for record in (
        cell((), {"tickets.opened": 5, "tickets.closed": 1}, 1),
        cell((), {"tickets.opened": 4}, 1, partition=1),
        cell((), {"tickets.opened": 1}, 2, start_ms=DAY_MS),
        cell((), {"tickets.opened": 7, "tickets.closed": 2}, 3, start_ms=2 * DAY_MS),
        cell((), {"tickets.opened": 3, "tickets.closed": 2}, 4, start_ms=2 * DAY_MS),
    ):
        ledger.merge(*record)
    backlogs = [ledger.values((), Span("day", day, day + DAY_MS, True))["backlog_tickets"] for day in DAYS]
    assert [value.value for value in backlogs] == [8, 9, 10, 10]
    assert ledger.values((), Span("days", DAY_MS, 3 * DAY_MS, True))["backlog_tickets"].value == 10
    assert "backlog_tickets" not in ledger.values((), Span("hour", DAY_MS, DAY_MS + HOUR_MS, False))
    ledger.merge(cell((), {}, 0, partition=1)[0], None)
    assert ledger.values((), Span("day", DAY_MS, 2 * DAY_MS, True))["backlog_tickets"].value == 5


def test_only_the_segments_asked_for_are_added_up():
    both = (("channel", "web"), ("region", "eu"))
    ledger = Ledger(Config(), ("channel", "region"), {"region": "eu"})
    for segment in (both, (("channel", "web"), ("region", "us")), (("channel", "web"),), ()):
        ledger.merge(*cell(segment, {"touchpoints": 5}, 9))
    assert ledger.segments() == [both]
    assert len(ledger.seen) == 2


def test_the_watermark_of_a_partition_without_an_event_says_nothing():
    ledger = Ledger(Config())
    ledger.merge(encode(WatermarkKey(0)), encode(Watermark(0, 7)))
    assert ledger.latest_ms is None
    ledger.merge(encode(WatermarkKey(1)), encode(Watermark(NOW_MS, 7)))
    ledger.merge(encode(WatermarkKey(1)), encode(Watermark(NOW_MS - 1, 6)))
    assert ledger.latest_ms == NOW_MS


def test_a_segmentation_with_more_values_than_are_told_apart_is_known_to_be_capped():
    ledger = Ledger(Config(max_segments=2), ("channel",))
    for name in ("web", "other"):
        ledger.merge(*cell((("channel", name),), {"touchpoints": 1}, 0))
    assert not ledger.is_capped
    ledger.merge(*cell((("channel", "app"),), {"touchpoints": 1}, 0))
    assert ledger.is_capped


@pytest.mark.parametrize("key", [b"", b"garbage", encode(("a", 1)), encode(WatermarkKey(0))])
def test_what_is_no_cell_is_an_error(key):
    with pytest.raises(msgspec.DecodeError):
        Ledger(Config()).merge(key, b"garbage")


def test_distinct_customers_need_whole_days():
    calendar = Calendar("Europe/Oslo")
    assert range_span(moment("2026-03-28", calendar)[0], moment("2026-03-31", calendar)[0], calendar).by_day
    assert not range_span(at("2026-03-28"), at("2026-03-31"), calendar).by_day
    one_day = window_span("day", calendar, NOW_MS)
    assert one_day.has("active_customers", calendar)
    assert not one_day.has("stickiness_ratio", calendar)
    assert not window_span("1d", calendar, NOW_MS).has("active_customers", calendar)


@pytest.mark.parametrize(
    ("text", "time_ms", "is_date"),
    [
        ("2026-03-29", 1_774_738_800_000, True),
        ("2026-03-29T12:00", 1_774_778_400_000, False),
        ("2026-03-29T12:00:00.250Z", 1_774_785_600_250, False),
        ("2026-03-29 12:00:00+05:30", 1_774_765_800_000, False),
    ],
)
def test_times_without_an_offset_are_local(text, time_ms, is_date):
    calendar = Calendar("Europe/Oslo")
    assert moment(text, calendar) == (time_ms, is_date)
    assert moment(written(time_ms, calendar), calendar)[0] == time_ms


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2026-13-01", "12:00", "0001-01-01", "0001-01-01T00:00", "9999-12-31"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(RangeError):
        moment(text, Calendar("Europe/Oslo"))
