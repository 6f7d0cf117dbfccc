"""Friction on real workers: one that is killed on the way tells what one tells that is not, each transition once."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.brokers import Broker
from schemas.alert import FrictionAlert, decode_alert
from tests.e2e.consume import consume
from tests.e2e.traffic import population, send
from tests.e2e.workers import Deployment, Worker, deployments


@pytest.fixture
def deploy(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    with deployments(kafka.bootstrap, tmp_path) as run:
        yield run


def told(running: Deployment, until_ms: int) -> list[FrictionAlert]:
    """What subscribers got up to a moment of event time, repeats included."""
    found = map(decode_alert, (record.value for record in consume(running.settings.bootstrap, topic(running))))
    return [alert for alert in found if isinstance(alert, FrictionAlert) and alert.at_ms <= until_ms]


def topic(running: Deployment) -> str:
    return running.settings.topic("alerts")


def until(running: Deployment) -> int:
    """How far event time has come in every partition, without the clock."""
    last: dict[int, int] = {}
    for record in consume(running.settings.bootstrap, running.settings.topic("touchpoints")):
        last[record.partition] = max(last.get(record.partition, 0), record.timestamp)
    return min(last.values())


def kill_on_the_way(running: Deployment, number: int) -> None:
    """Let so many workers die, one after the other, between a batch's output and its state."""
    for seed in range(number):
        faults = {"CXSTREAM_FAULTS": f"kill:after-output:0.4:{seed}"}
        worker = Worker(running, seed, environment=faults)
        running.workers = [worker]
        try:
            worker.process.wait(60)
        finally:
            worker.stop(signal.SIGKILL)
        assert worker.process.returncode == -signal.SIGKILL, worker.log.read_text()[-3000:]
        running.workers = []


def test_a_worker_killed_on_the_way_doubles_loses_and_resolves_nothing(deploy: Callable[..., Deployment]) -> None:
    records = population(seed=21)
    # An hour is short: so is all that friction has to do with.
    friction = {"repeat_contact": {"contacts": 2, "hours": 1}, "long_wait": {"open_hours": 1}}
    targets = {"first_reply": {"high": 2, "normal": 2, "low": 2}, "wait": {"normal": 20}}
    settings = {"friction": friction, "targets": targets}
    clean, killed = deploy("clean", 1, **settings), deploy("killed", 0, **settings)
    clean.wait_until_read(send(clean, records))
    send(killed, records)  # all before the first worker: so that no silence lets event time pass amid them
    kill_on_the_way(killed, 3)
    killed.start(1)
    killed.wait_until_read(len(records))
    end_ms = until(clean)
    assert end_ms == until(killed)
    wanted, found = told(clean, end_ms), told(killed, end_ms)
    assert len({alert.id for alert in wanted}) == len(wanted)
    assert {alert.alert for alert in wanted} >= {"repeat_contact", "long_wait", "slow_first_reply", "payment_failed"}
    assert {alert.state for alert in wanted} == {"firing", "resolved"}
    assert {alert.id: alert for alert in found} == {alert.id: alert for alert in wanted}
    assert all(alert in wanted for alert in found), "what is sent again is the same"
    assert len(found) > len(wanted), "nothing was sent again: no worker was killed between output and state"
    order: dict[str, list[str]] = {}
    for alert in found:
        if alert.id not in order.setdefault(alert.fingerprint, []):
            order[alert.fingerprint].append(alert.id)
    for fingerprint, ids in order.items():
        assert ids == [f"{fingerprint}-{n // 2 + 1}-{('firing', 'resolved')[n % 2]}" for n in range(len(ids))]
    assert clean.total("cx_friction_total") >= len(wanted)
