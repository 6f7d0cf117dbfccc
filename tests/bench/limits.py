"""The limits: how fast touchpoints can be fetched at all, and decoded at all, in Python."""

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

import agents.transport  # noqa: F401 - the records are taken as in the worker
from stream.decode import decode
from tests.bench.load import PARTITIONS

Mark = tuple[int, float, float]
"""Events so far, wall and CPU time."""


def fetch(bootstrap: str, topic: str, events: int) -> tuple[dict[str, Any], list[bytes]]:
    """``getmany`` alone; also the values of the first 100,000 events."""
    return asyncio.run(_fetch(bootstrap, topic, events))


async def _fetch(bootstrap: str, topic: str, events: int) -> tuple[dict[str, Any], list[bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        seen = 0
        values: list[bytes] = []
        marks: list[Mark] = []
        while seen < events:
            for records in (await consumer.getmany(timeout_ms=500, max_records=10_000)).values():
                seen += len(records)
                if len(values) < 100_000:
                    values += [record.value for record in records]
            if not marks and seen >= events / 4:
                marks.append((seen, time.monotonic(), time.process_time()))
        marks.append((seen, time.monotonic(), time.process_time()))
    finally:
        await consumer.stop()
    return _between(*marks), values


def decoding(values: list[bytes]) -> dict[str, Any]:
    """Decoding and validating alone, 250 at once."""
    marks: list[Mark] = []
    for at in range(0, len(values), 250):
        decode(values[at : at + 250], 262_144)
        if not marks and at >= len(values) / 4:
            marks.append((at + 250, time.monotonic(), time.process_time()))
    marks.append((len(values), time.monotonic(), time.process_time()))
    return _between(*marks)


def _between(first: Mark, last: Mark) -> dict[str, Any]:
    return {"events": last[0] - first[0], "seconds": last[1] - first[1], "cpu_seconds": last[2] - first[2]}
