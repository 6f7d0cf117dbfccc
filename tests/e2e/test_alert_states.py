"""An alert survives a worker's death in every state: none is doubled, lost, or resolved by mistake."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.brokers import Broker
from agents.simulator import Record
from schemas.alert import MetricAlert, decode_alert
from stream.slices import MINUTE_MS, SECOND_MS
from tests.e2e.consume import consume
from tests.e2e.traffic import START_MS, send
from tests.e2e.workers import Deployment, Worker, deployment
from tests.laws.stories import record

RULES = """rules:
  - {alert: Busy, metric: touchpoints, window: 1h, above: 2.5, for: 10m, keep_firing_for: 30m}
"""


@pytest.fixture
def running(kafka: Broker, tmp_path: Path) -> Iterator[Deployment]:
    (tmp_path / "rules.yaml").write_text(RULES)
    with deployment(kafka.bootstrap, tmp_path, 0, rules="rules.yaml", partitions=1) as started:
        yield started


class Story:
    """Visits at minutes of event time, each step read by a worker that dies at a point, and by one that goes on."""

    def __init__(self, running: Deployment) -> None:
        self.running = running
        self.visits = 0

    def visit(self, minute: float, number: int = 1) -> None:
        for _ in range(number):
            self.visits += 1
            time_ms = START_MS + int(minute * MINUTE_MS) + self.visits
            event = {"type": "visit.page", "id": f"v{self.visits}", "customer": "ann", "channel": "web", "page": "/"}
            send(self.running, [Record(*record({**event, "time": time_ms}), time_ms)])

    def die(self, point: str) -> None:
        worker = Worker(self.running, 0, environment={"CXSTREAM_FAULTS": f"kill:{point}:1.0:0"})
        try:
            worker.process.wait(60)
        finally:
            worker.stop(signal.SIGKILL)
        assert worker.process.returncode == -signal.SIGKILL, worker.log.read_text()[-3000:]

    def told(self) -> list[MetricAlert]:
        """Every transition in order of the topic; what is sent again is the same."""
        records = consume(self.running.settings.bootstrap, self.running.settings.topic("alerts"))
        found: dict[str, MetricAlert] = {}
        for alert in map(decode_alert, (each.value for each in records)):
            if isinstance(alert, MetricAlert):
                assert found.setdefault(alert.id, alert) == alert
        return list(found.values())

    def go_on(self, *wanted: str) -> None:
        """A worker reads all there is, and is killed; these are the transitions that there are then."""
        self.running.started = 0  # with the data directory of the one that died
        self.running.start()
        self.running.wait_until_read(self.visits)
        self.running.wait(lambda: len(self.told()) >= len(wanted), f"{len(wanted)} transitions")
        time.sleep(1)  # some rounds more, in which nothing is to happen
        assert [alert.id.partition("-")[2] for alert in self.told()] == list(wanted)
        self.running.workers.pop().stop(signal.SIGKILL)


def test_an_alert_survives_in_every_state(running: Deployment) -> None:
    story = Story(running)
    story.visit(0, 3)
    story.die("windows-before-state")
    story.go_on()  # pending

    story.visit(10.5)
    story.die("windows-after-alerts")
    story.go_on("1-firing")
    (fired,) = story.told()
    assert START_MS <= fired.since_ms <= START_MS + 30 * SECOND_MS
    assert fired.at_ms >= fired.since_ms + 10 * MINUTE_MS

    story.visit(65)
    story.die("windows-after-state")
    story.go_on("1-firing")  # calm, and kept firing

    story.visit(100)
    story.die("windows-after-alerts")
    story.go_on("1-firing", "1-resolved")
    resolved = story.told()[-1]
    assert START_MS + 89 * MINUTE_MS <= resolved.at_ms <= START_MS + 101 * MINUTE_MS

    story.visit(120, 2)
    story.die("windows-after-store")
    story.go_on("1-firing", "1-resolved")  # pending again

    story.visit(131)
    story.go_on("1-firing", "1-resolved", "2-firing")
