"""What `/healthz` and `/readyz` say is so: brokers gone, paused past a session, recovering, and ending in time."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.brokers import Broker, KafkaBroker
from tests.e2e.consume import consume
from tests.e2e.desks import DeskProcess, office
from tests.e2e.traffic import population, send
from tests.e2e.workers import Deployment, Worker, deployment

STOP_S = 10.0
SLACK_S = 5.0
"""A machine that is busy with other tests starts and ends processes late."""


@pytest.fixture(scope="module")
def mortal(kafka: Broker) -> Iterator[KafkaBroker]:
    """A Kafka of this file's own, that may be killed; skipped or demanded like any other test on Kafka."""
    del kafka
    broker = KafkaBroker()
    broker.start()
    yield broker
    broker.stop()


def verdict(of: Worker | DeskProcess, path: str) -> dict[str, Any]:
    """What is answered, with the status code that goes with it."""
    code, body = of.answer(path)
    found: dict[str, Any] = json.loads(body)
    assert (code == 200) == (found == {"status": "ok"}), (code, found)
    assert code in (200, 503)
    return found


def test_brokers_that_are_gone_are_told_by_workers_and_desks_that_have_nothing_to_do(
    mortal: KafkaBroker, tmp_path: Path
) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "worker").mkdir()
    with (
        deployment(mortal.bootstrap, tmp_path / "worker", 1, partitions=1) as running,
        office(mortal.bootstrap, tmp_path / "desk") as desks,
    ):
        active, standby = desks.start(), desks.start(wait=False)
        desks.wait(standby.is_ready, "the second desk stands by")
        processes = (running.workers[0], active, standby)
        for process in processes:
            assert verdict(process, "/healthz") == {"status": "ok"}
            running.wait(process.is_ready, "each is ready, also the desk that had to share")
        mortal.kill()
        try:
            for process in processes:
                for path in ("/healthz", "/readyz"):
                    running.wait(lambda p=process, at=path: is_told(p, at, mortal), f"{process.port} says so")
        finally:
            mortal.start()
        for process in processes:
            running.wait(process.is_ready, "all is well again")
            assert verdict(process, "/healthz") == {"status": "ok"}


def is_told(process: Worker | DeskProcess, path: str, broker: KafkaBroker) -> bool:
    found = verdict(process, path)
    return found["status"] == "stalled" and f"nothing listens at {broker.bootstrap}" in found["reason"]


@pytest.mark.parametrize("kind", ["worker", "desk"])
def test_one_that_was_paused_past_its_session_is_in_doubt_until_it_is_told_anew(
    kafka: Broker, tmp_path: Path, kind: str
) -> None:
    if kind == "worker":
        with deployment(kafka.bootstrap, tmp_path, 2, partitions=2) as running:
            look_at_zombie(running.workers[0], lambda: running.lag() is not None, running.wait)
    else:
        with office(kafka.bootstrap, tmp_path) as desks:
            first, second = desks.start(), desks.start(wait=False)
            desks.wait(second.is_ready, "the second desk stands by")
            # Whom the group chooses in the end is its own affair, but one it is to be.
            look_at_zombie(first, lambda: first.is_active() != second.is_active(), desks.wait)


def look_at_zombie(paused: Worker | DeskProcess, is_taken_over: Callable[[], bool], wait: Any) -> None:
    """Pause one, have another one take over, and look at it from the moment it goes on."""
    paused.process.send_signal(signal.SIGSTOP)
    time.sleep(8)  # more than its session of six seconds
    seen: list[str] = []
    paused.process.send_signal(signal.SIGCONT)
    while not seen or seen[-1] != "ok":
        seen.append(verdict(paused, "/readyz")["status"])
        time.sleep(0.02)
        assert len(seen) < 3_000
    assert seen[0] == "fenced"
    assert set(seen) <= {"fenced", "recovering", "joining", "reading", "stalled", "ok"}
    assert verdict(paused, "/healthz") == {"status": "ok"}
    wait(is_taken_over, "all has an owner")


def test_a_worker_that_recovers_says_so(kafka: Broker, tmp_path: Path) -> None:
    with deployment(kafka.bootstrap, tmp_path, 1, partitions=1) as running:
        running.wait_until_read(send(running, population()[:3_000]))
        running.stop()
        worker = Worker(running, 1)
        seen: list[str] = []
        try:
            end = time.monotonic() + 60
            while not seen or seen[-1] != "ok":
                try:
                    seen.append(verdict(worker, "/readyz")["status"])
                except OSError:
                    assert worker.process.poll() is None, worker.log.read_text()
                assert time.monotonic() < end, worker.log.read_text()
            assert seen[0] == "recovering"
            assert set(seen) == {"recovering", "ok"}
        finally:
            worker.stop()


def test_all_end_within_ten_seconds_under_load_and_nothing_is_lost(kafka: Broker, tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "worker").mkdir()
    with (
        deployment(kafka.bootstrap, tmp_path / "worker", 2, partitions=2, store="rocksdb") as running,
        office(kafka.bootstrap, tmp_path / "desk") as desks,
    ):
        desk = desks.start()
        simulator = simulate(running)
        running.wait(lambda: (running.lag() or 0) > 0 or running.included() > 2_000, "there is load")
        first = running.workers.pop(0)
        for name, process in (("worker", first.process), ("desk", desk.process)):
            assert seconds_to_end(process) < STOP_S + SLACK_S, name
            assert process.returncode == 0, name
        assert seconds_to_end(simulator) < STOP_S + SLACK_S
        out, err = simulator.communicate()
        assert (simulator.returncode, err) == (0, "")
        sent = json.loads(out)["records"]
        topic = running.settings.topic("touchpoints")
        there = sum(1 for record in consume(kafka.bootstrap, topic) if record.value is not None)
        assert there == sent
        running.wait_until_read(sent)
        assert running.workers[0].process.poll() is None


def simulate(running: Deployment) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "agents.cli", "simulate", "--settings", str(running.file), "--json"]
    more = ["--minutes", "600", "--customers", "2000", "--events-per-second", "50", "--speed", "60"]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seconds_to_end(process: subprocess.Popen[Any]) -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    return time.monotonic() - began
