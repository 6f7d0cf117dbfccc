"""The board: what rules see while time passes, and what a lost batch or a foreign record must not do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cell import Cell, CellKey, Watermark, WatermarkKey, decode_cell, decode_watermark, encode
from stream.board import Board
from stream.config import Config
from stream.driver import Driver, Line
from stream.rules.rule import Rule
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, RESOLUTIONS, SECOND_MS, Calendar
from tests.laws.oracle import Event
from tests.laws.stories import START, record

NOW = START + 90 * DAY_MS


def visit(number: int, time: int, customer: str = "ann", **fields: object) -> Event:
    event = {"type": "visit.page", "id": f"v{number}", "time": time, "customer": customer}
    return {**event, "channel": "web", "page": "/", **fields}


def hourly(zone: str) -> Driver:
    """Ten visits just after midnight, then one an hour: over the day there are always ten and more."""
    rule = Rule("Busy", "touchpoints", "day", "above", 9.5)
    driver = Driver(Config(segmentations=((),), calendar=Calendar(zone)), [rule])
    midnight_ms = driver.config.calendar.day_start_ms(START + DAY_MS)
    driver.feed([record(visit(number, midnight_ms + number)) for number in range(10)], NOW)
    driver.advance(NOW)
    for hour in range(1, 20):
        driver.feed([record(visit(100 + hour, midnight_ms + hour * HOUR_MS + 5))], NOW)
        driver.advance(NOW)
    return driver


@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "Europe/Oslo",
        "Asia/Kathmandu",
        "Asia/Kolkata",
    ],
)
def test_a_rule_over_the_day_sees_the_whole_day(zone: str) -> None:
    assert [alert.state for alert in hourly(zone).alerts] == ["firing"]


def test_a_rule_fires_as_soon_as_the_event_is_there_and_resolves_when_its_window_has_passed() -> None:
    rule = Rule("Visited", "touchpoints", "1m", "above", 0.5)
    driver = Driver(Config(), [rule])
    driver.feed([record(visit(1, START + 5 * SECOND_MS))], START + 5 * SECOND_MS)
    assert [alert.state for alert in driver.advance(START + 5 * SECOND_MS)] == ["firing"]
    assert driver.advance(START + MINUTE_MS) == []
    clock_ms = START + 5 * MINUTE_MS
    (resolved,) = driver.advance(clock_ms)
    assert (resolved.state, resolved.value) == ("resolved", None)
    assert resolved.at_ms == START + 70 * SECOND_MS


def test_a_rule_never_sees_what_is_ahead_of_its_time() -> None:
    """Catching up from 0 s to 55 s, the rule is tested at every 10 s between: the second visit is not there yet."""
    driver = Driver(Config(), [Rule("Busy", "touchpoints", "15m", "above", 1.5)])
    driver.feed([record(visit(1, START))], START)
    driver.advance(START)
    driver.feed([record(visit(2, START + 55 * SECOND_MS))], START + 55 * SECOND_MS)
    (fired,) = driver.advance(START + 55 * SECOND_MS)
    assert (fired.state, fired.at_ms) == ("firing", START + 55 * SECOND_MS)


def test_event_time_does_not_go_back_with_a_new_board() -> None:
    driver = Driver(Config(segmentations=((),), windows=("1m",)))
    driver.feed([record(visit(1, START))], START)
    driver.advance(START)
    driver.advance(START + 9 * SECOND_MS)
    driver.crash(0, START + 9 * SECOND_MS)
    driver.feed([record(visit(2, START))], START + 9 * SECOND_MS)
    driver.advance(START + 9 * SECOND_MS)
    (metric,) = (metric for metric in driver.metrics() if metric.metric == "touchpoints")
    assert (metric.value, metric.as_of_ms) == (2, START + 7 * SECOND_MS)


def test_a_corrected_answer_resolves_the_alert_that_it_raised() -> None:
    rule = Rule("LowCsat", "csat_score", "1h", "below", 5)
    driver = Driver(Config(), [rule])
    answer = {"type": "survey.answered", "survey": "s", "kind": "csat"}
    driver.feed([record(visit(1, START, **answer, score=1))], START)
    driver.advance(START)
    driver.feed([record(visit(2, START + 1, **answer, score=9))], START + MINUTE_MS)
    driver.advance(START + MINUTE_MS)
    assert [alert.state for alert in driver.alerts] == ["firing", "resolved"]


def test_alerts_are_the_same_after_a_crash_and_the_last_ones_are_told_again() -> None:
    rule = Rule("Visited", "touchpoints", "1m", "above", 0.5)

    def run(crash: bool) -> list[str]:
        driver = Driver(Config(), [rule])
        for number in range(4):
            at = START + number * 5 * MINUTE_MS
            driver.feed([record(visit(number, at))], at)
            driver.advance(at)
            if crash:
                driver.crash(0, at)
        driver.advance(START + HOUR_MS)
        return [alert.id.split("-", 1)[1] for alert in driver.alerts]

    assert run(crash=True) == run(crash=False)
    assert run(crash=False) == [f"{n}-{state}" for n in range(1, 5) for state in ("firing", "resolved")]


def test_all_transitions_of_a_round_are_told_again_after_a_crash() -> None:
    """Catching up over an hour in one round, an alert fires and resolves several times."""
    driver = Driver(Config(), [Rule("Visited", "touchpoints", "1m", "above", 0.5)])
    driver.feed([record(visit(0, START))], START)
    driver.advance(START)
    driver.feed([record(visit(n, START + n * 5 * MINUTE_MS)) for n in range(1, 4)], START + 15 * MINUTE_MS)
    made = driver.advance(START + 15 * MINUTE_MS)
    assert len(made) == 6
    driver.crash(0, START + 15 * MINUTE_MS)
    (board,) = driver._boards
    assert board.watch.standing() == made


def test_metrics_are_published_when_they_change_and_carry_their_window() -> None:
    driver = Driver(Config(segmentations=((),), windows=("1h", "day")))
    driver.feed([record(visit(1, START + 5))], NOW)
    driver.advance(NOW)
    found = {(metric.metric, metric.window): metric for metric in driver.metrics()}
    by_day = {"active_customers", "new_customers", "retained_customers", "returning_customers"}
    of_both = {"touchpoints", "journeys", "multichannel_rate", "stage_awareness_entered"}
    assert found.keys() == {(name, window) for window in ("1h", "day") for name in of_both} | {
        (name, "day") for name in by_day
    }
    day = found["touchpoints", "day"]
    assert (day.value, day.samples, day.unit) == (1, 1, "touchpoints")
    assert (day.start_ms, day.end_ms, day.as_of_ms) == (START, START + DAY_MS, START + 5)


def test_a_window_that_has_passed_is_published_as_none() -> None:
    driver = Driver(Config(segmentations=((),), windows=("1m",)))
    driver.feed([record(visit(1, START))], START)
    driver.advance(START)
    driver.advance(START + HOUR_MS)
    assert ("touchpoints", None, 0) in [(metric.metric, metric.value, metric.samples) for metric in driver.metrics()]
    assert {metric.value for metric in driver.metrics()} == {None}


def test_a_cell_of_an_unknown_resolution_is_foreign() -> None:
    board = Board(Config(), (), lambda _: None)
    key, value = encode(CellKey((), 1_234, 0, 0)), encode(Cell({"touchpoints": 1}, 1))
    assert board.merge([Line(0, key, value)], 0) == 1


def test_a_partition_in_which_nothing_was_counted_does_not_hold_the_others_back() -> None:
    driver = Driver(Config(), partitions=2)
    keys = [f"c{number}" for number in range(20)]
    good = next(key for key in keys if driver.source_of(key.encode()) == 0)
    bad = next(key for key in keys if driver.source_of(key.encode()) == 1)
    driver.feed([(bad.encode(), b"no"), record(visit(1, START, good))], NOW)
    driver.advance(NOW)
    assert driver.value("touchpoints", "day") is not None


@settings(deadline=None)
@given(order=st.permutations(range(5)), cut=st.integers(0, 5))
def test_the_last_record_of_a_cell_is_the_right_one_however_late_others_came(order: list[int], cut: int) -> None:
    """A cell and a watermark by source offset, as owners and zombies sent them; the board is lost in between."""
    where, mark = encode(CellKey((), DAY_MS, START - START % DAY_MS, 0)), encode(WatermarkKey(0))
    log: list[tuple[bytes, bytes]] = []
    for offset in order:
        log.append((where, Cell({"touchpoints": offset + 1}, offset).encode()))
        log.append((mark, Watermark(START + offset, offset).encode()))
    store: dict[bytes, bytes] = {}
    for lost in (True, False):
        board = Board(Config(), (), store.get, store, NOW)
        board.merge([Line(at, *pair) for at, pair in enumerate(log)][: 2 * cut if lost else None], NOW)
        while mends := board.mends():
            log += mends
            board.merge([Line(at, *pair) for at, pair in enumerate(log)], NOW)
        store |= {key: value for key, value in board.state.changes().items() if value is not None}
        board.state.settle()
    latest = dict(log)
    assert decode_cell(latest[where]) == Cell({"touchpoints": 5}, 4)
    assert decode_watermark(latest[mark]) == Watermark(START + 4, 4)


def test_changes_come_in_an_order_in_which_they_can_be_cut_off() -> None:
    """What says that something is included comes after it, and what is left out after what has it now."""
    store: dict[bytes, bytes] = {}
    rule = Rule("Odd", "touchpoints", "1h", "above", 4, of="deviation")
    board = Board(Config(), [rule, Rule("Any", "touchpoints", "5m", "above", 0)], store.get)
    heads: list[tuple[bytes, bool]] = []
    for at, hour in enumerate((0, 1, 2, 9)):
        time = START + hour * HOUR_MS + 5
        kept = [encode(CellKey((), each, time - time % each, 0)) for each in RESOLUTIONS]
        pairs = [(encode(WatermarkKey(0)), Watermark(time, at).encode())]
        pairs += [(key, Cell({"touchpoints": 3}, at).encode()) for key in kept]
        board.merge([Line(10 * at + number, *pair) for number, pair in enumerate(pairs)], 0)
        board.evaluate(0)
        changes = board.changes()
        found = [(key[:1], value is None) for key, value in changes]
        order = [(b"c", False), (b"a", False), (b"u", False), (b"t", False), (b"w", False), (b"m", False), (b"c", True)]
        assert found == sorted(found, key=order.index)
        heads += found
        for key, value in changes:
            store.pop(key, None) if value is None else store.__setitem__(key, value)
        board.state.settle()
    assert set(heads) == set(order)
