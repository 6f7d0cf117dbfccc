"""The watch: rules by dimensions, rules and segments that go, what is kept of alerts, changes and what is usual."""

from collections.abc import Sequence

import pytest

from schemas.alert import MetricAlert
from stream.board import Board
from stream.cellmail import partition_of
from stream.config import Config
from stream.driver import Driver
from stream.rules.rule import Rule
from stream.rules.watch import ALERT, RULE_GONE, SEGMENT_GONE
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from tests.laws.oracle import Event
from tests.laws.stories import START, record

CONFIG = Config(segmentations=((), ("channel",)))
BUSY = Rule("Busy", "touchpoints", "5m", "above", 2.5, by=("channel",))
Transition = tuple[str, str, str, str | None]


def visits(number: int, time: int, channel: str = "web") -> list[tuple[bytes | None, bytes | None]]:
    def event(at: int) -> Event:
        name = f"{channel}-{time}-{at}"
        return {
            "type": "visit.page",
            "id": name,
            "time": time + at,
            "customer": f"c{at}",
            "channel": channel,
            "page": "/",
        }

    return [record(event(at)) for at in range(number)]


def brief(alerts: Sequence[MetricAlert]) -> list[Transition]:
    return [(alert.alert, alert.labels.get("channel", ""), alert.state, alert.reason) for alert in alerts]


def driven(rules: Sequence[Rule], partitions: int = 1) -> Driver:
    """Three visits on web, four on app, two in chat."""
    driver = Driver(CONFIG, rules, partitions)
    for number, channel in ((3, "web"), (4, "app"), (2, "chat")):
        driver.feed(visits(number, START, channel), START)
    driver.advance(START + SECOND_MS)
    return driver


def alert_keys(driver: Driver) -> list[bytes]:
    return [key for side in driver._cells for key in side.store if key.startswith(ALERT)]


@pytest.mark.parametrize("partitions", [1, 4])
def test_each_value_of_a_dimension_has_an_alert_of_its_own_wherever_it_is(partitions: int) -> None:
    driver = driven([BUSY], partitions)
    assert sorted(brief(driver.alerts)) == [("Busy", "app", "firing", None), ("Busy", "web", "firing", None)]
    assert len({alert.fingerprint for alert in driver.alerts}) == 2
    assert {partition_of(channel, partitions) for channel in driver.segments() if channel} != {0} or partitions == 1


def test_an_alert_by_a_dimension_is_the_one_that_a_rule_on_that_segment_has() -> None:
    one = Rule("Busy", "touchpoints", "5m", "above", 2.5, segment=(("channel", "web"),))
    by_web = [alert for alert in driven([BUSY]).alerts if alert.labels == {"channel": "web"}]
    assert [alert.id for alert in by_web] == [alert.id for alert in driven([one]).alerts]


def test_a_value_that_comes_later_is_watched_from_then_on() -> None:
    driver = driven([BUSY])
    driver.feed(visits(5, START + MINUTE_MS, "store"), START + MINUTE_MS)
    assert brief(driver.advance(START + MINUTE_MS)) == [("Busy", "store", "firing", None)]


def test_nothing_is_stored_of_alerts_that_never_fired() -> None:
    patient = Rule("Patient", "touchpoints", "5m", "above", 1.5, by=("channel",), for_ms=HOUR_MS)
    driver = driven([BUSY, patient])
    assert len(alert_keys(driver)) == 5
    driver.advance(START + 10 * MINUTE_MS)
    assert len(alert_keys(driver)) == 2


def taken_over(driver: Driver, rules: Sequence[Rule]) -> list[Transition]:
    """The rules change while the worker runs."""
    (board,) = driver._boards
    driver._rules = tuple(rules)
    board.watch.take_over(rules)
    return brief(driver.advance(START + 2 * SECOND_MS))


def restarted(driver: Driver, rules: Sequence[Rule]) -> list[Transition]:
    """The rules change while no worker runs."""
    driver._rules = tuple(rules)
    driver.crash(0, START + SECOND_MS)
    return brief(driver.advance(START + 2 * SECOND_MS))


both = pytest.mark.parametrize("change", [taken_over, restarted])
GONE = [("Busy", "app", "resolved", RULE_GONE), ("Busy", "web", "resolved", RULE_GONE)]


@both
def test_alerts_of_a_rule_that_is_gone_are_resolved_once(change) -> None:
    driver = driven([BUSY])
    assert sorted(change(driver, [])) == GONE
    for at in range(3, 6):
        assert driver.advance(START + at * SECOND_MS) == []
    driver.crash(0, START + 6 * SECOND_MS)
    assert driver.advance(START + 7 * SECOND_MS) == []


@both
def test_nothing_is_left_of_alerts_of_a_rule_that_is_gone_once_their_end_was_sent(change) -> None:
    driver = driven([BUSY])
    assert sorted(change(driver, [])) == GONE
    for _ in range(2):  # crashes, after their end was stored and sent, and before it was stored that they go
        driver.crash(0, START + 2 * SECOND_MS)
        (board,) = driver._boards
        assert sorted(brief(board.watch.standing())) == GONE
    board.watch.sent()
    driver.advance(START + 3 * SECOND_MS)
    assert alert_keys(driver) == []
    driver.crash(0, START + 4 * SECOND_MS)
    (board,) = driver._boards
    assert board.watch.standing() == []


@both
def test_an_alert_that_had_its_end_before_its_rule_went_is_forgotten_too(change) -> None:
    driver = driven([BUSY])
    assert len(driver.advance(START + 10 * MINUTE_MS)) == 2
    driver.crash(0, START + 10 * MINUTE_MS)
    assert len(alert_keys(driver)) == 2
    later = START + 10 * MINUTE_MS - START
    assert change(driver, []) == []
    driver.advance(START + later + SECOND_MS)
    assert alert_keys(driver) == []


@both
def test_the_firings_of_a_rule_that_comes_back_are_later_to_subscribers_after_crashes_too(change) -> None:
    driver = driven([BUSY])
    change(driver, [])
    driver.advance(START + 3 * SECOND_MS)
    assert alert_keys(driver) == []
    driver.crash(0, START + 3 * SECOND_MS)
    assert sorted(change(driver, [BUSY])) == [("Busy", "app", "firing", None), ("Busy", "web", "firing", None)]
    assert [alert.sequence for alert in driver.alerts] == [1, 1, 1, 1, 2, 2]
    ids = [alert.id for alert in driver.alerts]
    assert len(set(ids)) == len(ids)


def test_a_pending_alert_that_never_fired_leaves_nothing_where_others_were_forgotten() -> None:
    driver = driven([BUSY])
    taken_over(driver, [])
    patient = Rule("Patient", "touchpoints", "5m", "above", 1.5, by=("channel",), for_ms=HOUR_MS)
    taken_over(driver, [patient])
    assert len(alert_keys(driver)) == 3
    driver.advance(START + 10 * MINUTE_MS)
    assert alert_keys(driver) == []


def test_what_is_kept_does_not_grow_with_rules_that_come_and_go() -> None:
    driver = driven([])
    (side,) = driver._cells
    sizes = []
    for number in range(20):
        taken_over(driver, [Rule(f"Busy{number}", "touchpoints", "5m", "above", 2.5, by=("channel",))])
        driver.advance(START + 3 * SECOND_MS)
        sizes.append(len(side.store))
    assert len(set(sizes[2:])) == 1


@both
def test_an_alert_goes_on_when_its_rule_has_another_bound(change) -> None:
    changed = Rule("Busy", "touchpoints", "5m", "above", 3.5, by=("channel",))
    assert change(driven([BUSY]), [changed]) == [("Busy", "web", "resolved", None)]


@both
def test_alerts_of_values_that_a_rule_is_no_more_about_are_resolved(change) -> None:
    on_web = Rule("Busy", "touchpoints", "5m", "above", 2.5, segment=(("channel", "web"),))
    assert change(driven([BUSY]), [on_web]) == [("Busy", "app", "resolved", RULE_GONE)]


@both
def test_a_new_rule_is_tested_at_once_and_others_go_on(change) -> None:
    total = Rule("Total", "touchpoints", "5m", "above", 8.5)
    assert change(driven([BUSY]), [total, BUSY]) == [("Total", "", "firing", None)]


@both
def test_a_pending_alert_of_a_rule_that_is_gone_is_told_to_nobody(change) -> None:
    patient = Rule("Patient", "touchpoints", "5m", "above", 1.5, by=("channel",), for_ms=HOUR_MS)
    driver = driven([patient])
    assert change(driver, []) == []
    assert alert_keys(driver) == []


def test_a_rule_that_comes_back_numbers_its_firings_on() -> None:
    driver = driven([BUSY])
    taken_over(driver, [])
    taken_over(driver, [BUSY])
    assert sorted(alert.sequence for alert in driver.alerts if alert.state == "firing") == [1, 1, 2, 2]
    assert len({alert.id for alert in driver.alerts}) == len(driver.alerts)


def test_alerts_of_a_segment_that_is_forgotten_are_resolved() -> None:
    """Some 800 days after the last count nothing is kept of a segment; until then, the rule keeps its alert."""
    keeping = Rule("Seen", "touchpoints", "5m", "above", 0.5, by=("channel",), no_data="keep")
    driver = driven([keeping])
    assert len(driver.alerts) == 3
    later = START + 835 * DAY_MS  # customers of its have lapsed meanwhile
    driver.feed(visits(1, later, "web"), later)
    driver.advance(later)
    assert sorted(brief(driver.advance(later + SECOND_MS))) == [
        ("Seen", "app", "resolved", SEGMENT_GONE),
        ("Seen", "chat", "resolved", SEGMENT_GONE),
    ]
    assert driver.advance(later + MINUTE_MS) == []


def test_a_rule_on_one_segment_tells_that_there_is_no_data_before_there_ever_was_any() -> None:
    silent = Rule("Silent", "touchpoints", "5m", "below", 1, (("channel", "fax"),), no_data="alert", for_ms=MINUTE_MS)
    driver = driven([silent])
    assert brief(driver.advance(START + 2 * MINUTE_MS)) == [("Silent", "fax", "firing", None)]


def test_a_drop_against_the_window_before_fires_and_says_what_was_before() -> None:
    driver = Driver(CONFIG, [Rule("Drop", "touchpoints", "5m", "below", -0.5, of="relative_change", min_samples=2)])
    driver.feed(visits(10, START), START)
    driver.advance(START)
    driver.feed(visits(4, START + 5 * MINUTE_MS + 20 * SECOND_MS), START + 6 * MINUTE_MS)
    (fired,) = driver.advance(START + 6 * MINUTE_MS)
    assert (fired.value, fired.before, fired.measured, fired.of) == (4, 10, -0.6, "relative_change")
    assert fired.bound == -0.5


def hourly(driver: Driver, week: int, number: int) -> list[MetricAlert]:
    """So many visits in each of three hours of a day of that week."""
    day = START + week * 7 * DAY_MS
    alerts = []
    for hour in (9, 10, 11):
        at = day + hour * HOUR_MS
        driver.feed(visits(number, at + 10 * MINUTE_MS), at + 10 * MINUTE_MS)
        alerts += driver.advance(at + 10 * MINUTE_MS)
        driver.feed(visits(1, at + HOUR_MS, "tick"), at + HOUR_MS)
        alerts += driver.advance(at + HOUR_MS)
    return alerts


WEB = (("channel", "web"),)


def test_what_deviates_from_the_usual_of_this_hour_fires_after_some_weeks() -> None:
    rule = Rule("Odd", "touchpoints", "1h", "above", 4, WEB, of="deviation", weeks=4)
    driver = Driver(CONFIG, [rule])
    driver.feed(visits(1, START), START)
    for week, number in enumerate((20, 22, 19, 21)):
        assert hourly(driver, week, 60 if week == 3 else number) == []
    assert [alert.state for alert in hourly(driver, 4, 20)] == []
    alerts = hourly(driver, 5, 150)
    assert [alert.state for alert in alerts] == ["firing"]
    assert alerts[0].before == pytest.approx(21.3, abs=0.5)


def test_an_incident_moves_what_is_usual_by_no_more_than_some_spreads() -> None:
    rule = Rule("Odd", "touchpoints", "1h", "above", 4, WEB, of="deviation", weeks=4)
    driver = Driver(CONFIG, [rule])
    driver.feed(visits(1, START), START)
    for week, number in enumerate((20, 22, 19, 21, 20)):
        assert hourly(driver, week, number) == []
    before = hourly(driver, 5, 200)[0].before
    again = [alert for alert in hourly(driver, 6, 200) if alert.state == "firing"]
    assert before == pytest.approx(20.4, abs=0.5)
    assert again[0].before == pytest.approx(20.4, abs=2)


def test_what_was_learnt_of_no_rule_any_more_is_forgotten_at_the_next_start() -> None:
    driver = Driver(CONFIG, [Rule("Odd", "touchpoints", "1h", "above", 4, of="deviation")])
    driver.feed(visits(3, START + HOUR_MS // 2), START + HOUR_MS // 2)
    driver.advance(START + HOUR_MS // 2)
    driver.advance(START + 3 * HOUR_MS)
    (side,) = driver._cells
    assert [key for key in side.store if key.startswith(b"u")]
    driver._rules = ()
    driver.crash(0, START + 3 * HOUR_MS)
    driver.advance(START + 3 * HOUR_MS + SECOND_MS)
    assert not [key for key in side.store if key.startswith(b"u")]


def test_a_board_without_anything_has_nothing_to_tell() -> None:
    board = Board(CONFIG, [BUSY], lambda _: None)
    assert (board.evaluate(START), board.watch.standing()) == ([], [])
