"""The rehearsal against the driver, which is the pipeline as a worker runs it; and what event time does in it."""

from agents.simulator import Incident, Kind, Population, encode
from stream.config import Config
from stream.driver import Driver
from stream.rules.rule import Rule
from stream.slices import HOUR_MS, MINUTE_MS, SECOND_MS
from stream.trials.rehearsal import Rehearsal

START = 1_773_964_800_000
RULES = [
    Rule("Hard", "ces_hard_ratio", "15m", "above", 0.3, by=("channel",), min_samples=5, for_ms=MINUTE_MS),
    Rule("Fails", "payment_failure_ratio", "5m", "above", 0.2, min_samples=5, keep_ms=3 * MINUTE_MS),
]


def simulated() -> list[tuple[int, bytes]]:
    broken = Incident(Kind.BROKEN_CHECKOUT, START + 15 * MINUTE_MS, START + 30 * MINUTE_MS)
    population = Population(5, 150, START, HOUR_MS, incidents=[broken])
    return [(record.time_ms, record.value) for record in encode(population) if record.value is not None]


def test_it_tells_what_the_driver_tells_that_is_asked_every_ten_seconds() -> None:
    events = simulated()
    driver = Driver(Config(), RULES)
    for now_ms in range(START, START + HOUR_MS + 1, 10 * SECOND_MS):
        batch = [(b"", value) for time_ms, value in events if now_ms - 10 * SECOND_MS < time_ms <= now_ms]
        latest_ms = max([time_ms for time_ms, _ in events if time_ms <= now_ms], default=0)
        if batch:
            driver.feed(batch, latest_ms)
        driver.go_on(now_ms + 2 * SECOND_MS)
        driver.alerts += driver._boards[0].evaluate(now_ms + 2 * SECOND_MS)
    rehearsal = Rehearsal(Config(), RULES)
    rehearsal.play(events)
    assert {alert.alert for alert in driver.alerts} == {"Hard", "Fails"}
    assert {a.id for a in driver.alerts} == {a.id for a in rehearsal.alerts}
    times_ms = [{alert.id: alert.at_ms for alert in each.alerts} for each in (driver, rehearsal)]
    assert max(abs(times_ms[0][name] - times_ms[1][name]) for name in times_ms[0]) <= MINUTE_MS
    assert {a.id for a in driver.frictions} == {a.id for a in rehearsal.frictions}


def test_how_events_are_batched_changes_no_alert_but_by_less_than_ten_seconds() -> None:
    events = simulated()
    whole, parts = Rehearsal(Config(), RULES[:1]), Rehearsal(Config(), RULES[:1])
    whole.take(events, START + HOUR_MS)
    parts.play(events)
    assert whole.alerts
    assert [alert.id for alert in whole.alerts] == [alert.id for alert in parts.alerts]
    apart = [abs(one.at_ms - other.at_ms) for one, other in zip(whole.alerts, parts.alerts, strict=True)]
    assert max(apart) <= 10 * SECOND_MS


def test_alerts_resolve_and_timers_run_out_where_nothing_comes_for_a_day() -> None:
    event = b'{"type":"visit.cart","id":"1","time":%d,"customer":"a","channel":"web","cart":"c","action":"added"}'
    rehearsal = Rehearsal(Config(), [Rule("Any", "touchpoints", "5m", "above", 0)])
    rehearsal.take([(START, event % START)], START + 26 * HOUR_MS)
    assert [(alert.state, alert.at_ms - START) for alert in rehearsal.alerts] == [("firing", 0), ("resolved", 310_000)]
    assert [(alert.alert, alert.state) for alert in rehearsal.frictions] == [
        ("cart_abandoned", "firing"),
        ("cart_abandoned", "resolved"),
    ]


def test_what_is_no_touchpoint_is_told() -> None:
    rehearsal = Rehearsal(Config(), [])
    rehearsal.play([(START, b"nonsense")])
    assert [each.reason for each in rehearsal.rejected] == ["malformed_json"]
