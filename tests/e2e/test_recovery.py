"""What a worker meets when it comes back: a source that has gone on without it, a state that is damaged or gone."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from kafka import TopicPartition

from agents import topics
from agents.brokers import Broker
from agents.simulator import Record
from tests.e2e.test_disturbances import START_MS, population, send
from tests.e2e.workers import Deployment, deployment


@pytest.fixture
def deploy(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    with ExitStack() as stack:

        def run(name: str, workers: int, **settings: object) -> Deployment:
            folder = tmp_path / name
            folder.mkdir()
            return stack.enter_context(deployment(kafka.bootstrap, folder, workers, **settings))

        yield run


def delete_all(running: Deployment, topic: str, partition: int) -> int:
    """Delete every record of a partition, as retention does in time; up to which offset."""
    with topics.admin(running.settings.bootstrap) as client:
        place = TopicPartition(running.settings.topic(topic), partition)
        answer = client.delete_records({place: -1}, timeout_ms=15_000)
    return int(next(iter(answer.values()))["low_watermark"])


def lost(running: Deployment) -> dict[str, float]:
    """Records said to be lost, by topic."""
    found: dict[str, float] = {}
    for worker in running.workers:
        for (name, labels), value in worker.samples().items():
            if name == "cx_records_lost_total":
                topic = dict(labels)["topic"].removeprefix(running.settings.prefix)
                found[topic] = found.get(topic, 0) + value
    return found


# The source has gone on


def test_records_deleted_while_no_worker_ran_are_counted_and_passed_over(deploy: Callable[..., Deployment]) -> None:
    records, running = population(seed=11), deploy("late", 1)
    third = len(records) // 3
    running.wait_until_read(send(running, records[:third]))
    before = running.included()
    running.workers.pop().stop(signal.SIGKILL)
    send(running, records[third : 2 * third])
    for partition in range(running.settings.partitions):
        delete_all(running, "touchpoints", partition)
    running.start(1)
    assert lost(running) == {"touchpoints": 2 * third - before}
    running.wait(lambda: running.lag() == 0, "nothing is left to read")
    send(running, records[2 * third :])
    running.wait_until_read(len(records))
    assert running.total("cx_touchpoints_folded_total") == len(records) - 2 * third
    assert running.workers[0].log.read_text().count("records.lost") == running.settings.partitions


def test_cells_deleted_while_no_worker_ran_are_counted_and_passed_over(deploy: Callable[..., Deployment]) -> None:
    records, running = population(seed=12), deploy("cells", 1)
    running.wait_until_read(send(running, records[: len(records) // 2]))
    running.workers.pop().stop(signal.SIGKILL)
    send(running, [Record(b"?", b"?", START_MS)] * 7, "cells")
    for partition in range(running.settings.partitions):
        delete_all(running, "cells", partition)
    running.start(1)
    assert lost(running)["cells"] >= 7
    assert "touchpoints" not in lost(running)
    send(running, records[len(records) // 2 :])
    running.wait_until_read(len(records))
    assert running.total("cx_touchpoints_folded_total") == len(records) - len(records) // 2
