"""Touchpoints in transactions: the marks that these leave in the log are no records, and nothing waits for them."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from agents.brokers import Broker
from tests.e2e.traffic import totals
from tests.e2e.workers import Deployment, deployment


@pytest.fixture
def running(kafka: Broker, tmp_path: Path) -> Iterator[Deployment]:
    with deployment(kafka.bootstrap, tmp_path, 1, partitions=1) as found:
        yield found


def expired(running: Deployment) -> int:
    return sum(counters.get("trials.expired", 0) for (segment, *_), counters in totals(running).items() if not segment)


def test_time_goes_on_after_the_mark_of_a_transaction(running: Deployment) -> None:
    now_ms = int(time.time() * 1000)
    trial = {"type": "account.trial_started", "id": "t1", "time": now_ms, "ends_ms": now_ms + 4_000}
    event = {**trial, "customer": "ann", "channel": "web"}
    producer = KafkaProducer(bootstrap_servers=running.settings.bootstrap, transactional_id=running.settings.id)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(running.settings.topic("touchpoints"), orjson.dumps(event), key=b"ann")
    producer.commit_transaction()
    producer.close()
    running.wait(lambda: running.total("cx_touchpoints_folded_total") == 1, "it is folded")
    running.wait(lambda: running.lag() == 0, "nothing waits")
    assert running.included() == 1
    running.wait(lambda: expired(running) > 0, "the trial has run out")
