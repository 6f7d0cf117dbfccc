"""The outbox insists until a batch is delivered, also where its producer never says so."""

import asyncio
import secrets
from collections import namedtuple

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from kafka.admin import NewTopic

from agents import topics
from agents.brokers import Broker
from agents.cluster import Cluster
from agents.outbox import Outbox
from agents.stalls import BROKERS, Stalls
from tests.e2e.consume import consume

Metadata = namedtuple("Metadata", "offset")


class Batch:
    def append(self, **_: object) -> object:
        return self


class Producer:
    """A producer that refuses what is for the topic `refused`, and, once stuck, says nothing of the rest."""

    def __init__(self, is_stuck: bool) -> None:
        self.is_stuck = is_stuck
        self.sent: list[str] = []
        self.stopped = False

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, _: Batch, topic: str, partition: int) -> "asyncio.Future[Metadata]":
        self.sent.append(topic)
        future: asyncio.Future[Metadata] = asyncio.get_running_loop().create_future()
        if topic == "refused" and self.is_stuck:
            future.set_exception(MessageSizeTooLargeError())
        elif not self.is_stuck:
            future.set_result(Metadata(7))
        return future

    async def stop(self) -> None:
        self.stopped = True


class Prepared(Outbox):
    """An outbox over these producers, one after the other."""

    def __init__(self, *producers: Producer) -> None:
        super().__init__(Cluster("nowhere"), Stalls())
        self.producers = list(producers)

    async def _connected(self, idempotent: bool) -> Producer:
        return self.producers.pop(0)


def test_a_batch_on_its_way_when_its_producer_is_given_up_is_sent_by_the_next_one() -> None:
    async def scenario() -> None:
        stuck, sound = Producer(is_stuck=True), Producer(is_stuck=False)
        outbox = Prepared(stuck, sound)
        await outbox.start()
        waiting = asyncio.create_task(outbox.append("cells", 0, [(b"k", b"v")]))
        await asyncio.sleep(0.01)
        assert stuck.sent == ["cells"]
        assert await asyncio.wait_for(outbox.append("refused", 0, [(b"k", b"v")]), 5) == 7
        assert await asyncio.wait_for(waiting, 5) == 7
        assert stuck.stopped
        assert sorted(sound.sent) == ["cells", "refused"]
        assert outbox.stalls.since_ms(BROKERS) is None

    asyncio.run(scenario())


def test_who_waits_for_a_batch_may_give_up() -> None:
    async def scenario() -> None:
        outbox = Prepared(Producer(is_stuck=True))
        await outbox.start()
        waiting = asyncio.create_task(outbox.append("cells", 0, [(b"k", b"v")]))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert outbox.stalls.since_ms(BROKERS) is None
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_a_record_may_have_headers_and_others_of_its_batch_none(any_broker: Broker) -> None:
    topic = f"headers-{secrets.token_hex(4)}"
    with topics.admin(Cluster(any_broker.bootstrap)) as client:
        client.create_topics([NewTopic(topic, 1, 1)])

    async def scenario() -> int:
        outbox = Outbox(Cluster(any_broker.bootstrap), Stalls())
        await outbox.start()
        try:
            first, second = (b"a", b"1", [("x", b"y"), ("z", b"")]), (b"b", b"2")
            assert await outbox.append_parts(topic, 0, []) == -1
            return await outbox.append_parts(topic, 0, [first, second])
        finally:
            await outbox.stop()

    assert asyncio.run(scenario()) == 1
    found = [(record.key, record.value, list(record.headers)) for record in consume(any_broker.bootstrap, topic)]
    assert found == [(b"a", b"1", [("x", b"y"), ("z", b"")]), (b"b", b"2", [])]
