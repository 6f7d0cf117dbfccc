"""A changelog is read back while somebody writes it, and while partitions come and go."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import Counter

from agents import topics
from agents.brokers import Broker
from agents.changelog import Changelog
from agents.fetch import fetch
from agents.outbox import Outbox
from agents.restorer import Restorer
from agents.settings import Settings
from agents.stalls import Stalls
from agents.stores import MemoryStore

KEYS = 60_000
"""Of some 200 bytes each: more than one fetch brings."""


class Worker:
    """One that writes a changelog, or reads it back."""

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        async def between(topic: str, partition: int, start: int, end: int):
            return await fetch(settings.cluster, topic, partition, start, end)

        self.store = MemoryStore()
        self.log = Changelog(settings.changelog("customers"), self.store, outbox, between, outbox.stalls)
        self.restored = Counter("restored", "Records", registry=None)
        self.restorer = Restorer(settings.cluster, self.log, self.restored, lambda: outbox.is_idempotent)

    async def write(self, keys: range, round_: int = 0) -> None:
        for first in keys[:: min(len(keys), 10_000)]:
            part = range(first, min(first + 10_000, keys.stop))
            changes: dict[bytes, bytes | None] = {b"k%d" % key: b"%200d" % (key + round_) for key in part}
            await self.log.append(0, changes)
            await self.log.keep(0)

    @property
    def count(self) -> float:
        return sum(
            sample.value for metric in self.restored.collect() for sample in metric.samples if "total" in sample.name
        )

    def state(self) -> dict[bytes, bytes | None]:
        return {key: self.store.get(0, key) for key in self.store.keys(0, [b"k"])}


@pytest.fixture
def run(any_broker: Broker) -> Callable[[Callable[[Worker, Worker], Awaitable[None]]], None]:
    """Run a story with the owner of a partition, which has written to it, and another worker."""
    settings = Settings(bootstrap=any_broker.bootstrap, id=f"restorer-{secrets.token_hex(3)}", partitions=1)

    async def told(story: Callable[[Worker, Worker], Awaitable[None]]) -> None:
        outbox = Outbox(settings.cluster, Stalls())
        await outbox.start()
        owner, other = Worker(settings, outbox), Worker(settings, outbox)
        await owner.log.claim(0)
        await owner.write(range(KEYS))
        try:
            await story(owner, other)
        finally:
            await other.restorer.stop()
            await outbox.stop()

    topics.ensure(settings)
    return lambda story: asyncio.run(told(story))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what a worker has read has no event
            await asyncio.sleep(0)


def test_what_is_read_back_is_what_was_written(run) -> None:
    async def story(owner: Worker, other: Worker) -> None:
        assert await other.restorer.catch_up([0])
        await other.log.claim(0)
        assert other.state() == owner.state()

    run(story)


def test_a_recovery_that_is_stopped_goes_on_from_where_it_came_to(run) -> None:
    async def story(owner: Worker, other: Worker) -> None:
        recovery = asyncio.create_task(other.restorer.catch_up([0]))
        await until(lambda: other.count > 0)
        await other.restorer.stop()
        assert not await recovery
        await owner.write(range(100), round_=1)
        assert await other.restorer.catch_up([0])
        await other.log.claim(0)
        assert other.state() == owner.state()

    run(story)


def test_a_standby_follows_and_takes_over_with_the_delta_only(run) -> None:
    async def story(owner: Worker, other: Worker) -> None:
        other.restorer.follow([0])
        await owner.write(range(100), round_=1)
        await until(lambda: other.store.offset(0) == owner.store.offset(0))
        followed = other.count
        await other.restorer.stop()
        await owner.write(range(50), round_=2)
        assert await other.restorer.catch_up([0])
        await other.log.claim(0)
        assert other.state() == owner.state()
        assert other.count - followed <= 160

    run(story)


def test_nothing_to_restore_takes_no_reading(run) -> None:
    async def story(owner: Worker, other: Worker) -> None:
        assert await other.restorer.catch_up([])
        assert other.count == 0
        assert await owner.restorer.catch_up([0])
        assert owner.count <= 1

    run(story)
