"""What a worker meets when it comes back: a source that has gone on without it, a state that is damaged or gone."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from agents import topics
from agents.brokers import Broker
from agents.simulator import Record
from tests.e2e.consume import consume
from tests.e2e.traffic import START_MS, population, send, totals
from tests.e2e.workers import Deployment, Worker, deployment, deployments


@pytest.fixture
def deploy(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    with deployments(kafka.bootstrap, tmp_path) as run:
        yield run


def delete_all(running: Deployment, topic: str, partition: int) -> int:
    """Delete every record of a partition, as retention does in time; up to which offset."""
    with topics.admin(running.settings.cluster) as client:
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


# The local state is damaged, gone, or not what the changelog says


def stop(running: Deployment) -> None:
    """End the only worker in order, so that its state is in files."""
    running.workers.pop().stop(signal.SIGTERM)


def start_again(running: Deployment) -> None:
    """Start a worker where the first one was, as whoever supervises it would; a second time if it ends."""
    for _ in range(2):
        worker = Worker(running, 0)
        while worker.process.poll() is None and not worker.is_ready():
            time.sleep(0.1)
        if worker.process.poll() is None:
            running.workers.append(worker)
            return
        running.ended.append(worker)
    raise AssertionError("\n".join(worker.log.read_text()[-3000:] for worker in running.ended))


def state(running: Deployment) -> Path:
    return running.folder / "0" / running.settings.id


def delete(running: Deployment) -> None:
    shutil.rmtree(state(running))


def truncate(running: Deployment) -> None:
    for file in state(running).glob("*/*/*.sst"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garble(running: Deployment) -> None:
    for file in state(running).glob("*/*/*.sst"):
        data = bytearray(file.read_bytes())
        data[: len(data) // 2] = bytes(byte ^ 0xFF for byte in data[: len(data) // 2])
        file.write_bytes(data)


def lose_manifest(running: Deployment) -> None:
    for file in state(running).glob("*/*/MANIFEST*"):
        file.unlink()


def lose_changelogs(running: Deployment) -> None:
    """The state goes beyond the end of its changelogs, which are empty."""
    names = [running.settings.changelog(table) for table in ("customers", "windows")]
    with topics.admin(running.settings.cluster) as client:
        client.delete_topics(names)
        running.wait(lambda: not set(names) & set(topics.partitions(client)), "the changelogs are gone")
    topics.ensure(running.settings)


@pytest.fixture(scope="module")
def undisturbed(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> dict:
    records = population(seed=13)
    with deployment(kafka.bootstrap, tmp_path_factory.mktemp("clean"), 1) as clean:
        clean.wait_until_read(send(clean, records))
        return totals(clean)


@pytest.mark.parametrize("harm", [delete, truncate, garble, lose_manifest, lose_changelogs])
def test_a_local_state_of_no_use_is_read_back(deploy: Callable[..., Deployment], undisturbed: dict, harm) -> None:
    records, running = population(seed=13), deploy(harm.__name__, 1, store="rocksdb")
    running.wait_until_read(send(running, records[: len(records) // 2]))
    stop(running)
    assert list(state(running).glob("*/*/*.sst"))
    harm(running)
    start_again(running)
    log = "".join(worker.log.read_text() for worker in [*running.ended, *running.workers])
    assert ("state.damaged" in log) == (harm is not delete)
    send(running, records[len(records) // 2 :])
    running.wait_until_read(len(records))
    assert totals(running) == undisturbed


def test_a_local_state_that_is_older_is_brought_up_to_date(
    deploy: Callable[..., Deployment], undisturbed: dict
) -> None:
    records, running = population(seed=13), deploy("older", 1, store="rocksdb")
    half, most = len(records) // 2, 3 * len(records) // 4
    running.wait_until_read(send(running, records[:half]))
    stop(running)
    shutil.copytree(state(running), running.folder / "old")
    start_again(running)
    send(running, records[half:most])
    running.wait_until_read(most)
    stop(running)
    shutil.rmtree(state(running))
    shutil.copytree(running.folder / "old", state(running))
    start_again(running)
    assert running.total("cx_changelog_restored_records_total") > 1_000
    send(running, records[most:])
    running.wait_until_read(len(records))
    assert totals(running) == undisturbed


def test_a_compacted_changelog_comes_to_the_same_state(deploy: Callable[..., Deployment], undisturbed: dict) -> None:
    records, running = population(seed=13), deploy("compacted", 1)
    names = [running.settings.changelog(table) for table in ("customers", "windows")]
    often = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0"}
    with topics.admin(running.settings.cluster) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=often) for name in names])
    third = len(records) // 3
    for part in range(2):
        running.wait_until_read(send(running, records[part * third : (part + 1) * third]) * (part + 1))
        time.sleep(1)  # the next record begins another segment

    def is_compacted() -> bool:
        return all(sum(1 for _ in consume(running.settings.bootstrap, n)) < 0.9 * ends(running, n) for n in names)

    send(running, records[2 * third : 2 * third + 50])
    running.wait(is_compacted, "the changelogs are compacted")
    running.workers.pop().stop(signal.SIGKILL)
    running.start(1)
    send(running, records[2 * third + 50 :])
    running.wait_until_read(len(records))
    assert totals(running) == undisturbed


def ends(running: Deployment, topic: str) -> int:
    """How many records were ever written to a topic."""
    with topics.admin(running.settings.cluster) as client:
        wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(running.settings.partitions)}
        return sum(at.offset for at in client.list_partition_offsets(wanted).values())


# A worker stands by


@pytest.mark.parametrize("standbys", [0, 1])
def test_a_standby_takes_over_with_the_delta_only(
    deploy: Callable[..., Deployment], undisturbed: dict, standbys: int
) -> None:
    records, running = population(seed=13), deploy(f"standby-{standbys}", 2, standby_replicas=standbys)
    half = len(records) // 2
    running.wait_until_read(send(running, records[:half]))
    victim = running.workers.pop(0)
    before = running.total("cx_changelog_restored_records_total")
    assert (before > 1_000) == bool(standbys)
    victim.stop(signal.SIGKILL)
    send(running, records[half:])
    running.wait_until_read(len(records))
    restored = running.total("cx_changelog_restored_records_total") - before
    assert restored < 100 if standbys else restored > 1_000
    assert totals(running) == undisturbed
