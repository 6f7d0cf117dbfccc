"""What real streams do: disorder between customers, repeats, rubbish, several topics, crashes: same numbers."""

import asyncio
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from agents.brokers import Broker
from agents.simulator import Record, disturb
from schemas.rejected import Rejected
from tests.e2e.consume import consume
from tests.e2e.traffic import population, send, totals
from tests.e2e.workers import Deployment, deployments


@pytest.fixture
def deploy(any_broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    with deployments(any_broker.bootstrap, tmp_path) as run:
        yield run


def test_disorder_repeats_and_rubbish_change_no_number(deploy: Callable[..., Deployment]) -> None:
    records = population()
    report: Counter[str] = Counter()
    disturbed = list(disturb(records, seed=3, duplicates=0.05, malformed=0.05, shuffle=200, report=report))
    clean, rough = deploy("clean", 1), deploy("rough", 1)
    clean.wait_until_read(send(clean, records))
    rough.wait_until_read(send(rough, disturbed))
    assert totals(rough) == totals(clean)
    rejected = [
        msgspec.json.decode(record.value, type=Rejected)
        for record in consume(rough.settings.bootstrap, rough.settings.topic("rejected"))
    ]
    assert len({(one.topic, one.partition, one.offset) for one in rejected}) == len(rejected)
    assert rough.total("cx_touchpoints_rejected_total") == len(rejected)
    added = report.total() - report.pop("shuffled")
    duplicates = report.pop("duplicate")
    reasons = Counter(one.reason.value for one in rejected)
    # Some repeats are of spoilt records, and rejected once more.
    assert reasons.keys() == report.keys()
    assert all(number <= reasons[reason] for reason, number in report.items())
    assert rough.total("cx_touchpoints_duplicate_total") + len(rejected) == added
    assert 0.9 * duplicates < rough.total("cx_touchpoints_duplicate_total") <= duplicates


def test_workers_killed_on_the_way_change_no_number(deploy: Callable[..., Deployment], any_broker: Broker) -> None:
    records, store = population(seed=8), "rocksdb" if any_broker.name == "kafka" else "memory"
    clean, killed = deploy("clean", 1), deploy("killed", 2, store=store)
    clean.wait_until_read(send(clean, records))
    rng = random.Random(store)
    third = len(records) // 3
    for part in (records[:third], records[third : 2 * third], records[2 * third :]):
        send(killed, part)
        time.sleep(rng.uniform(0.05, 0.6))
        victim = killed.workers.pop(0)
        victim.stop(signal.SIGKILL)
        killed.start(1)
    killed.wait_until_read(len(records))
    assert totals(killed) == totals(clean)


def test_changelogs_are_read_back_to_recover_and_never_again(deploy: Callable[..., Deployment]) -> None:
    """Old state would be put over new: so does Faust where its recovery buffer holds one record."""
    records = population(seed=6)
    running = deploy("restored", 1)
    running.wait_until_read(send(running, records[: len(records) // 2]))
    assert running.total("cx_changelog_restored_records_total") == 0
    running.workers.pop().stop(signal.SIGKILL)
    running.start(1)
    recovered = running.total("cx_changelog_restored_records_total")
    assert recovered > 1_000
    send(running, records[len(records) // 2 :])
    running.wait_until_read(len(records))
    assert running.total("cx_changelog_restored_records_total") == recovered


def test_topics_of_channels_are_merged_by_customer(deploy: Callable[..., Deployment]) -> None:
    records = population(seed=9)
    prefix = f"merged-{secrets.token_hex(3)}."
    names = [f"touchpoints.{name}" for name in ("chat", "ticket", "rest")]
    clean = deploy("clean", 1)
    merged = deploy("merged", 1, prefix=prefix, sources=[prefix + name for name in names])
    clean.wait_until_read(send(clean, records))
    by_topic: dict[str, list[Record]] = {name: [] for name in names}
    for record in records:
        # A customer's records keep their order, in one topic and partition; their key says nothing of the customer.
        place = crc32(record.key) % len(names)
        by_topic[names[place]].append(Record(b"%d" % (place + 7), record.value, record.time_ms))
    for name, found in by_topic.items():
        assert len(found) > 1_000
        send(merged, found, name)
    merged.wait_until_read(len(records))
    assert totals(merged) == totals(clean)


def test_every_compression_of_kafka_is_read(deploy: Callable[..., Deployment]) -> None:
    running, records = deploy("codecs", 1), population(seed=4)[:2_000]

    async def produce(codec: str | None, part: list[Record]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=running.settings.bootstrap, compression_type=codec) as producer:
            for key, value, time_ms in part:
                await producer.send(running.settings.topic("touchpoints"), value, key=key, timestamp_ms=time_ms)

    for number, codec in enumerate((None, "gzip", "snappy", "lz4", "zstd")):
        asyncio.run(produce(codec, records[number * 400 : number * 400 + 400]))
    running.wait_until_read(len(records))
    assert running.total("cx_touchpoints_folded_total") == len(records)
