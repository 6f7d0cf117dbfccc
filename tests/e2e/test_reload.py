"""The rule file changes while workers run, and alerts follow it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.brokers import Broker
from agents.simulator import Record
from schemas.alert import MetricAlert, decode_alert
from tests.e2e.consume import consume
from tests.e2e.traffic import START_MS, send
from tests.e2e.workers import Deployment, deployment
from tests.laws.stories import record

BUSY = "rules:\n  - {alert: Busy, metric: touchpoints, window: day, above: 0.5, by: [channel]}\n"
OTHER = "rules:\n  - {alert: Other, metric: touchpoints, window: day, above: 1.5}\n"
WRONG = OTHER + "  - {alert: Wrong, metric: touchpoint, window: day, above: many}\n"


@pytest.fixture
def running(kafka: Broker, tmp_path: Path) -> Iterator[Deployment]:
    (tmp_path / "rules.yaml").write_text(BUSY)
    with deployment(kafka.bootstrap, tmp_path, 2, rules="rules.yaml", partitions=2) as started:
        yield started


def alerts(running: Deployment) -> list[MetricAlert]:
    """Every transition once, in order of the topic."""
    records = consume(running.settings.bootstrap, running.settings.topic("alerts"))
    found = {alert.id: alert for alert in (decode_alert(each.value) for each in records)}
    return [alert for alert in found.values() if isinstance(alert, MetricAlert)]


def told(running: Deployment) -> set[tuple[str, str, str, str | None]]:
    return {(alert.alert, alert.labels.get("channel", ""), alert.state, alert.reason) for alert in alerts(running)}


def gauges(running: Deployment, name: str) -> list[float]:
    return [value for worker in running.workers for (sample, _), value in worker.samples().items() if sample == name]


def test_alerts_follow_a_rule_file_that_is_edited_while_workers_run(running: Deployment) -> None:
    file = running.settings.rules_file
    visit = {"type": "visit.page", "customer": "ann", "page": "/"}
    visits = [{**visit, "id": name, "time": START_MS, "channel": name} for name in ("web", "app")]
    send(running, [Record(*record(each), START_MS) for each in visits])
    fired = {("Busy", "web", "firing", None), ("Busy", "app", "firing", None)}
    running.wait(lambda: told(running) == fired, "an alert for each channel")

    file.write_text(WRONG)
    running.wait(lambda: gauges(running, "cx_rules_valid") == [0, 0], "the file is refused")
    for worker in running.workers:
        assert worker.log.read_text().count("rules.refused") == 1
        assert "touchpoints" in worker.log.read_text()
    assert told(running) == fired

    file.write_text(OTHER)
    gone = {("Busy", name, "resolved", "the rule was removed") for name in ("web", "app")}
    now = fired | gone | {("Other", "", "firing", None)}
    running.wait(lambda: told(running) == now, "alerts of the rule that is gone are resolved, the new one fires")
    assert gauges(running, "cx_rules_valid") == [1, 1]

    loaded = gauges(running, "cx_rules_loaded_seconds")
    for worker in running.workers:
        worker.process.send_signal(signal.SIGHUP)
    running.wait(
        lambda: all(now > then for now, then in zip(gauges(running, "cx_rules_loaded_seconds"), loaded, strict=True)),
        "the file is read again",
    )

    for worker in running.workers:
        worker.stop(signal.SIGKILL)
    running.workers.clear()
    file.write_text(BUSY)
    running.start(2)
    again = now | {("Other", "", "resolved", "the rule was removed")}
    running.wait(lambda: told(running) == again, "what was removed while no worker ran is resolved")
    running.wait(
        lambda: sorted(alert.sequence for alert in alerts(running) if alert.alert == "Busy") == [1, 1, 1, 1, 2, 2],
        "an alert that comes back fires a second time",
    )
