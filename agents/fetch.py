"""A stretch of a topic's partition, read at once and apart from all else."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.cluster import Cluster
from agents.topics import LARGEST_BATCH_BYTES

log = structlog.get_logger(__name__)
_PAUSE_S = 1.0


async def fetch(cluster: Cluster, topic: str, partition: int, start: int, end: int) -> Sequence[Any]:
    """The records from offset ``start`` up to ``end``, as far as compaction has left them.

    What the brokers refuse is asked for again, until they give it.
    """
    while True:
        try:
            return await _fetched(cluster, TopicPartition(topic, partition), start, end)
        except KafkaError as error:
            log.warning("fetch.failed", topic=topic, partition=partition, error=str(error), again_in_s=_PAUSE_S)
            await asyncio.sleep(_PAUSE_S)


async def _fetched(cluster: Cluster, place: TopicPartition, start: int, end: int) -> Sequence[Any]:
    consumer = AIOKafkaConsumer(
        **cluster.for_aiokafka(), enable_auto_commit=False, max_partition_fetch_bytes=LARGEST_BATCH_BYTES
    )
    await consumer.start()
    try:
        consumer.assign([place])
        consumer.seek(place, start)
        found: list[Any] = []
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(place, timeout_ms=500)).values():
                found += [record for record in records if record.offset < end]
        return found
    finally:
        await consumer.stop()
