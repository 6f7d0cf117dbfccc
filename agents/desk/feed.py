"""Topics read whole, without a group, and on from there. Where they end is known from what is fetched (see reader)."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.cluster import Cluster
from agents.outbox import METADATA_MS

_MOST_RECORDS = 5_000


class Feed:
    """Reads all partitions of ``topics``, each from where it is told, or from its beginning."""

    def __init__(self, cluster: Cluster, topics: Sequence[str]) -> None:
        self._places: list[TopicPartition] = []
        self._consumer = AIOKafkaConsumer(
            *topics,
            **cluster.for_aiokafka(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=200,
            metadata_max_age_ms=METADATA_MS,
        )

    async def start(self, starts: Mapping[TopicPartition, int] | None = None) -> None:
        """Connect.

        Raises:
            KafkaError: the brokers do not answer, or a topic is not there.
        """
        try:
            await self._consumer.start()
            self._pin(starts or {})
        except BaseException:
            await self._consumer.stop()
            raise

    def _pin(self, starts: Mapping[TopicPartition, int]) -> None:
        """Keep to the partitions that there are: where metadata changed, all would be read from the beginning again."""
        self._places = sorted(self._consumer.assignment())
        self._consumer.unsubscribe()
        self._consumer.assign(self._places)
        for place in self._places:
            self._consumer.seek(place, starts.get(place, 0))

    async def read(self, timeout_ms: int = 200) -> list[tuple[TopicPartition, Any]]:
        """What has come, with where it stands, in order within a partition; nothing where nothing comes in time."""
        found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=_MOST_RECORDS)
        return [(place, record) for place, records in found.items() for record in records]

    async def at_end(self) -> bool:
        """Has all been read that was there when a partition was last fetched from?"""
        for place in self._places:
            end = self._consumer.highwater(place)
            if end is None or await self._consumer.position(place) < end:
                return False
        return True

    async def ends(self) -> Mapping[TopicPartition, int]:
        """Where the partitions end now, as the brokers tell when they are asked."""
        found: Mapping[TopicPartition, int] = await self._consumer.end_offsets(self._places)
        return found

    async def has_read(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Has all been read up to these?"""
        return all([await self._consumer.position(place) >= end for place, end in ends.items()])

    async def positions(self) -> dict[TopicPartition, int]:
        """The offset of the next record of each partition."""
        return {place: await self._consumer.position(place) for place in self._places}

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
