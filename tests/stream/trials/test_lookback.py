"""Looking back over what is kept, against the rules as they were tested when it happened."""

from collections.abc import Sequence

from schemas.alert import MetricAlert
from stream.config import Config
from stream.driver import Driver
from stream.ranges import Ledger
from stream.rules.rule import Rule
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from stream.trials.lookback import Seen, look_back
from tests.laws.stories import START as SOME_TIME
from tests.laws.stories import record

CONFIG = Config(segmentations=((), ("channel",)))
START = SOME_TIME - SOME_TIME % DAY_MS
BUSY = Rule("Busy", "touchpoints", "5m", "above", 2.5, by=("channel",))
DAILY = Rule("Daily", "touchpoints", "1d", "above", 8.5)
HOURLY = Rule("Hourly", "touchpoints", "1h", "above", 8.5)
USUAL = Rule("Usual", "touchpoints", "1h", "above", 3, of="deviation", weeks=2)


def visits(number: int, time_ms: int, channel: str = "web") -> list[tuple[bytes | None, bytes | None]]:
    return [
        record(
            {
                "type": "visit.page",
                "id": f"{channel}-{time_ms}-{at}",
                "time": time_ms,
                "customer": f"c{at}",
                "channel": channel,
                "page": "/",
            }
        )
        for at in range(number)
    ]


def driven(rules: Sequence[Rule], bursts: dict[int, int], end_ms: int) -> Driver:
    """Nine visits, or as many, at some times; rules are tested every ten seconds around them."""
    driver = Driver(CONFIG, rules)
    for time_ms, number in bursts.items():
        driver.feed(visits(number, time_ms), time_ms)
        for now_ms in range(time_ms, min(time_ms + 10 * MINUTE_MS, end_ms), 10 * SECOND_MS):
            driver.advance(now_ms + 2 * SECOND_MS)
    return driver


def seen(driver: Driver, rules: Sequence[Rule], start_ms: int, end_ms: int) -> Seen:
    """The same over the cells that went out."""
    ledgers = {names: Ledger(CONFIG, names) for names in CONFIG.segmentations}
    for ledger in ledgers.values():
        for line in driver._cells[0].log:
            ledger.merge(line.key, line.value)
    return look_back(CONFIG, rules, ledgers, start_ms, end_ms)


def brief(alerts: Sequence[MetricAlert]) -> list[tuple[str, str, int]]:
    return [(alert.alert, alert.state, alert.at_ms - START) for alert in alerts]


def test_the_last_hour_is_looked_at_every_ten_seconds() -> None:
    end_ms = START + 40 * MINUTE_MS
    driver = driven([BUSY], {START: 1, START + 10 * MINUTE_MS: 4, START + 39 * MINUTE_MS: 1}, end_ms)
    then = [(alert.alert, alert.state) for alert in driver.alerts]
    found = seen(driver, [BUSY], START, end_ms).alerts
    assert [(alert.alert, alert.state) for alert in found] == then == [("Busy", "firing"), ("Busy", "resolved")]
    assert [alert.at_ms - START for alert in found] == [10 * MINUTE_MS + 10_000, 15 * MINUTE_MS + 10_000]
    assert found[0].id == driver.alerts[0].id
    assert found[0].labels == {"channel": "web"}


def test_of_days_ago_there_are_hours_so_that_short_windows_cannot_be_tested_and_others_can() -> None:
    burst_ms = START + 10 * HOUR_MS + 20 * MINUTE_MS
    driver = driven([], {START: 1, burst_ms: 9, START + 3 * DAY_MS: 1}, START + 3 * DAY_MS + MINUTE_MS)
    found = seen(driver, [BUSY, HOURLY, DAILY], START, START + 2 * DAY_MS)
    assert found.tested_ms[0] is None
    assert found.tested_ms[1] is not None
    assert brief(found.alerts) == [
        ("Hourly", "firing", 11 * HOUR_MS),
        ("Daily", "firing", 11 * HOUR_MS),
        ("Hourly", "resolved", 12 * HOUR_MS),
        ("Daily", "resolved", 35 * HOUR_MS),
    ]


def test_a_rule_is_tested_from_when_on_its_window_can_be_read() -> None:
    latest_ms = START + 3 * DAY_MS
    driver = driven([], {START: 1, latest_ms - 2 * HOUR_MS: 4, latest_ms: 1}, latest_ms + MINUTE_MS)
    found = seen(driver, [BUSY], START, latest_ms)
    tested_ms = found.tested_ms[0]
    assert tested_ms is not None
    assert latest_ms - 6 * HOUR_MS - HOUR_MS <= tested_ms <= latest_ms - 5 * HOUR_MS
    assert [alert.state for alert in found.alerts] == ["firing", "resolved"]


def test_nothing_is_seen_before_its_time() -> None:
    driver = driven([], {START: 1, START + 30 * MINUTE_MS: 9}, START + 31 * MINUTE_MS)
    assert seen(driver, [HOURLY], START, START + 30 * MINUTE_MS).alerts == []


def test_what_is_usual_is_never_known_from_what_is_kept() -> None:
    driver = driven([], {START: 9}, START + MINUTE_MS)
    found = seen(driver, [USUAL], START, START + MINUTE_MS)
    assert (found.alerts, found.tested_ms) == ([], {0: None})
