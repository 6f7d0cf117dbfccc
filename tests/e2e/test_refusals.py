"""Brokers that refuse writes, or are gone: the worker waits, says why, and goes on by itself. And ends when told to."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from agents import topics
from agents.brokers import Broker, KafkaBroker
from stream.slices import HOUR_MS
from tests.e2e.traffic import population, send, totals
from tests.e2e.workers import Deployment, Worker, deployment

LONGEST_STOP_S = 6.0


@pytest.fixture(scope="module")
def mortal(kafka: Broker) -> Iterator[KafkaBroker]:
    """A Kafka of this file's own, that may be killed; skipped or demanded like any other test on Kafka."""
    del kafka
    broker = KafkaBroker()
    broker.start()
    yield broker
    broker.stop()


def configure(running: Deployment, topic: str, **config: str) -> None:
    """Change a topic's configuration."""
    named = {name.replace("_", "."): value for name, value in config.items()}
    with topics.admin(running.settings.cluster) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=named)])


def stalled_by_brokers(worker: Worker) -> float:
    return worker.samples()["cx_stalled_seconds", (("by", "brokers"),)]


def seconds_to_stop(worker: Worker) -> float:
    began = time.monotonic()
    assert worker.stop() == 0, worker.log.read_text()[-3000:]
    return time.monotonic() - began


def test_a_changelog_that_refuses_writes_stops_the_worker_until_it_takes_them(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=21)[:6_000]
    half = len(records) // 2
    with deployment(kafka.bootstrap, tmp_path, 1, partitions=2) as running:
        worker, changelog = running.workers[0], running.settings.changelog("customers")
        running.wait_until_read(send(running, records[:half]))
        configure(running, changelog, message_timestamp_before_max_ms="0")
        send(running, records[half:])
        running.wait(worker.trouble, "the worker says that it is stalled")
        assert f"to {changelog}" in worker.trouble("/readyz")
        assert stalled_by_brokers(worker) > 5
        configure(running, changelog, message_timestamp_before_max_ms=str(2**63 - 1))
        running.wait_until_read(len(records))
        assert worker.trouble() == ""
        assert running.total("cx_touchpoints_folded_total") == len(records)


def test_batches_beyond_what_topics_take_are_split(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=22)[:2_500]
    (tmp_path / "clean").mkdir()
    (tmp_path / "small").mkdir()
    with deployment(kafka.bootstrap, tmp_path / "clean", 1, partitions=1) as clean:
        clean.wait_until_read(send(clean, records))
        expected = totals(clean)
    small = Deployment(kafka.bootstrap, tmp_path / "small", partitions=1)
    changelogs = [small.settings.changelog(table) for table in ("customers", "windows")]
    for name in (*changelogs, small.settings.topic("cells")):
        configure(small, name, max_message_bytes="60000")
    send(small, records)
    try:
        small.start()
        small.wait_until_read(len(records))
        assert totals(small) == expected
        batches = small.total("cx_batch_records_count")
        assert batches > 10
    finally:
        small.stop()


def test_a_broker_that_is_gone_for_long_is_waited_for(mortal: KafkaBroker, tmp_path: Path) -> None:
    records = population(seed=23)[:6_000]
    half = len(records) // 2
    with deployment(mortal.bootstrap, tmp_path, 2) as running:
        send(running, records[:half])
        mortal.kill()
        worker = running.workers[0]
        running.wait(worker.trouble, "the worker says that it is stalled")
        assert "the brokers" in worker.trouble()
        time.sleep(8)  # longer than a session and, with what has passed, than the producer's patience
        mortal.start()
        send(running, records[half:])
        running.wait_until_read(len(records))
        assert worker.trouble() == ""
        counted = sum(
            cell.get("touchpoints", 0)
            for (segment, ms, _), cell in totals(running).items()
            if (segment, ms) == ((), HOUR_MS)
        )
        assert counted == len(records)


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_a_worker_ends_soon_without_a_broker(mortal: KafkaBroker, tmp_path: Path, how: str) -> None:
    with deployment(mortal.bootstrap, tmp_path, 1) as running:
        running.wait_until_read(send(running, population()[:1000]))
        process = mortal.pid
        assert process is not None
        if how == "gone":
            mortal.kill()
        else:
            os.kill(process, signal.SIGSTOP)
        try:
            time.sleep(3)
            assert seconds_to_stop(running.workers[0]) < LONGEST_STOP_S
        finally:
            if how == "gone":
                mortal.start()
            else:
                os.kill(process, signal.SIGCONT)
