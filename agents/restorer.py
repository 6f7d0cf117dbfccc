"""Reads a changelog back into the store: for partitions that are to be worked on, and for those that stand by.

        changelog  ├──────── read back ────────┤── claim ──┤── written by the owner ──►
                                                            └── followed by its standby ──►

It has a consumer of its own, so that batches come from where it went to, as many at once as the brokers send.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from time import perf_counter

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from agents.changelog import Changelog
from agents.cluster import Cluster

log = structlog.get_logger(__name__)
_FETCHED_BYTES = 4 * 1024 * 1024
"""Of one partition at once: enough for many batches, few enough for other tasks to have their turn."""
_WAIT_MS = 200
_PAUSE_S = 1.0


class Restorer:
    """Restores the partitions of one changelog. ``restored`` counts the records read.

    ``exact_ends`` says whether the brokers tell truly where a partition ends. Not all do: what comes after the end that
    they tell is read when the partition is claimed.
    """

    def __init__(
        self, cluster: Cluster, changelog: Changelog, restored: Counter, exact_ends: Callable[[], bool]
    ) -> None:
        self._cluster = cluster
        self._changelog = changelog
        self._restored = restored
        self._exact_ends = exact_ends
        self._turn = 0
        self._records = 0
        self._following: asyncio.Task[None] | None = None

    async def catch_up(self, partitions: Collection[int]) -> bool:
        """Bring the state of these partitions up to the end of the changelog. False if stopped meanwhile."""
        turn, began, before = self._turn, perf_counter(), self._records
        while partitions and turn == self._turn:
            try:
                await self._read(partitions, turn)
                records, seconds = self._records - before, perf_counter() - began
                log.info("restored", topic=self._changelog.topic, records=records, seconds=round(seconds, 3))
                break
            except KafkaError as error:
                await self._pause(error)
        return turn == self._turn

    def follow(self, partitions: Collection[int]) -> None:
        """Keep the state of these partitions warm, until stopped: their owner is another worker."""
        if partitions:
            self._following = asyncio.create_task(self._follow(partitions))

    async def stop(self) -> None:
        """The partitions are about to be others."""
        self._turn += 1
        task, self._following = self._following, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, partitions: Collection[int]) -> None:
        while True:
            try:
                await self._read(partitions, None)
            except KafkaError as error:
                await self._pause(error)
            except Exception:  # this worker's own partitions are not to suffer; taking over reads what is missing
                log.exception("standby.stopped", topic=self._changelog.topic)
                return

    async def _pause(self, error: KafkaError) -> None:
        log.warning("restore.failed", topic=self._changelog.topic, error=str(error), again_in_s=_PAUSE_S)
        await asyncio.sleep(_PAUSE_S)

    async def _read(self, partitions: Collection[int], turn: int | None) -> None:
        """Read to the end, for as long as it is that turn; on and on where that is None."""
        consumer = AIOKafkaConsumer(
            **self._cluster.for_aiokafka(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCHED_BYTES,
        )
        await consumer.start()
        try:
            left = await self._places(consumer, partitions)
            while turn is None or (left and turn == self._turn):
                found = await consumer.getmany(timeout_ms=_WAIT_MS)
                for place, records in found.items():
                    self._changelog.restore(place.partition, records)
                    await self._changelog.keep(place.partition, lambda: turn is None or turn == self._turn)
                    self._restored.inc(len(records))
                    self._records += len(records)
                if turn is not None:
                    left = {place: end for place, end in left.items() if await consumer.position(place) < end}
                await asyncio.sleep(0)
        finally:
            await consumer.stop()

    async def _places(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> dict[TopicPartition, int]:
        """Go to where each store ends; the partitions where there is something to read, and up to where."""
        places = [TopicPartition(self._changelog.topic, partition) for partition in partitions]
        consumer.assign(places)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        left = {}
        for place in places:
            start = self._changelog.rewind(place.partition, ends[place] if self._exact_ends() else None)
            consumer.seek(place, start)
            if start < ends[place]:
                left[place] = ends[place]
        return left
