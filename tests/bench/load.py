"""What the jobs read: topics filled with events, and what the small job has to make of them."""

import asyncio
from collections.abc import Iterable, Iterator
from random import Random

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from agents.simulator import Population, encode

PARTITIONS = 4
START_MS = 1_774_000_000_000
Pair = tuple[bytes, bytes, int]
"""Key, value and event time."""
Windows = dict[str, list[int]]
"""Sum and count of scores, by ``key|minute``."""


def touchpoints(events: int, customers: int = 50_000) -> Iterator[Pair]:
    """About so many touchpoints of one simulated hour."""
    for record in encode(Population(1, customers, START_MS, 3_600_000, events / 3_600)):
        yield record.key, record.value or b"", record.time_ms


def small(events: int) -> Iterator[Pair]:
    """Flat events of about 280 bytes, two in five with a score, keyed by channel and segment, 3 ms apart."""
    random = Random(7)
    for number in range(events):
        time_ms = START_MS + number * 3
        event = {
            "id": f"{number:032x}",
            "type": "chat",
            "ts": time_ms,
            "customer_id": f"c{int(random.paretovariate(0.6)) % 50_000}",
            "channel": random.choice(("chat", "email", "phone", "web", "social")),
            "segment": random.choice(("new", "smb", "ent", "vip")),
            "region": random.choice(("eu", "us", "apac", "latam")),
            "product": f"p{random.randrange(20)}",
            "session_id": f"s{number // 5}",
        }
        kind = random.random()
        if kind < 0.4:
            event |= {"type": "survey", "csat": random.randint(1, 10), "ces": random.randint(1, 7)}
        elif kind < 0.7:
            event |= {"type": "ticket", "ticket_id": f"t{number // 3}", "wait_s": random.random() * 600}
        elif kind < 0.85:
            event |= {"type": "purchase", "amount": round(random.random() * 200, 2)}
        yield f"{event['channel']}:{event['segment']}".encode(), orjson.dumps(event), time_ms


def windows(pairs: Iterable[Pair]) -> Windows:
    """What the small job comes to, by a plain loop."""
    found: Windows = {}
    for key, value, time_ms in pairs:
        score = orjson.loads(value).get("csat")
        if score is not None:
            total = found.setdefault(f"{key.decode()}|{time_ms // 60_000}", [0, 0])
            total[0] += score
            total[1] += 1
    return found


def fill(bootstrap: str, topic: str, pairs: Iterable[Pair]) -> int:
    """Make the topic where it is missing, and put the events on it in record batches; how many there were."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    if topic not in admin.list_topics():
        admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs={"retention.ms": "-1"})])
    admin.close()
    return asyncio.run(_fill(bootstrap, topic, pairs))


async def _fill(bootstrap: str, topic: str, pairs: Iterable[Pair]) -> int:
    sent = 0
    known: dict[bytes, int] = {}
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type="lz4", max_batch_size=262_144
    ) as producer:
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        for key, value, time_ms in pairs:
            if key not in known:
                known[key] = (murmur2(key) & 0x7FFFFFFF) % PARTITIONS  # as Kafka's own clients do
            place = known[key]
            if batches[place].append(key=key, value=value, timestamp=time_ms) is None:
                await producer.send_batch(batches[place], topic, partition=place)
                batches[place] = producer.create_batch()
                batches[place].append(key=key, value=value, timestamp=time_ms)
            sent += 1
        for place, batch in enumerate(batches):
            if batch.record_count():
                await (await producer.send_batch(batch, topic, partition=place))
        await producer.flush()
    return sent
