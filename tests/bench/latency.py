"""From event to alert, under load: one worker, a steady stream of touchpoints, and probes that make rules fire.

Each probe is the first touchpoint of a product of its own, and a rule fires on it. The latency is from when the probe
is handed to the producer to the timestamp of the alert's record.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from agents.simulator import Population, encode
from schemas.alert import decode_alert
from tests.bench.engines import JobError
from tests.bench.load import PARTITIONS, Pair
from tests.e2e.consume import consume
from tests.e2e.workers import deployment

_TURN_S = 0.02
_EVERY_TURNS = 10
"""A probe every 200 ms."""


def run(bootstrap: str, folder: Path, events_per_second: int, seconds: float = 20.0) -> dict[str, Any]:
    """Latencies of all probes but those of the first quarter.

    Raises:
        JobError: a probe came to no alert.
    """
    probes = int(seconds / _TURN_S / _EVERY_TURNS)
    rules = folder / "rules.yaml"
    rules.write_text(yaml.safe_dump({"rules": [_rule(number) for number in range(probes)]}))
    with deployment(bootstrap, folder, 1, rules=str(rules), segments=[["channel"], ["product"]]) as running:
        topic = running.settings.topic("touchpoints")
        sent = asyncio.run(_stream(bootstrap, topic, events_per_second, probes))
        running.wait_until_read(events_per_second)
        fired: dict[str, float] = {}
        for record in consume(bootstrap, running.settings.topic("alerts")):
            alert = decode_alert(record.value)
            if alert.state == "firing":
                fired.setdefault(alert.alert, record.timestamp)
    if missing := sent.keys() - fired.keys():
        raise JobError(f"{len(missing)} of {probes} probes came to no alert")
    late = sorted(fired[name] - at_ms for name, at_ms in list(sent.items())[probes // 4 :])
    return {"p50_ms": late[len(late) // 2], "p99_ms": late[-1 - len(late) // 100], "probes": len(late)}


def _rule(number: int) -> dict[str, Any]:
    return {
        "alert": f"Probe{number}",
        "metric": "touchpoints",
        "where": {"product": f"probe-{number}"},
        "window": "1m",
        "above": 0,
        "severity": "info",
    }


async def _stream(bootstrap: str, topic: str, events_per_second: int, probes: int) -> dict[str, float]:
    """Send touchpoints at their times; when each probe was sent, by the name of its rule."""
    turns = probes * _EVERY_TURNS
    start_ms = int(time.time() * 1000) + 1_000
    # Made beforehand, so that the load does not wait for its maker; dated as they are sent.
    made = encode(Population(3, 50_000, start_ms, 3_600_000, events_per_second / 3_600 * 60))
    per_turn = int(events_per_second * _TURN_S)
    pairs = [(record.key, record.value or b"", record.time_ms) for record, _ in zip(made, range(turns * per_turn))]  # noqa: B905
    sent: dict[str, float] = {}
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type="lz4", max_batch_size=262_144
    ) as producer:
        begun = time.monotonic()
        for turn in range(turns):
            now_ms = int(time.time() * 1000)
            some = [_dated(pair, now_ms, turn) for pair in pairs[turn * per_turn : (turn + 1) * per_turn]]
            if turn % _EVERY_TURNS == 0:
                number = turn // _EVERY_TURNS
                sent[f"Probe{number}"] = now_ms
                some.append(_probe(number, now_ms))
            await _send(producer, topic, some)
            await asyncio.sleep(max(0.0, begun + (turn + 1) * _TURN_S - time.monotonic()))
        await producer.flush()
    return sent


def _dated(pair: Pair, now_ms: int, turn: int) -> Pair:
    key, value, time_ms = pair
    return key, value.replace(b'"time":%d' % time_ms, b'"time":%d' % now_ms), now_ms


def _probe(number: int, now_ms: int) -> Pair:
    event = {
        "type": "visit.page",
        "page": "/",
        "id": f"probe-{number}",
        "customer": f"probe-{number}",
        "channel": "web",
    }
    return event["customer"].encode(), msgspec.json.encode({**event, "time": now_ms, "product": event["id"]}), now_ms


async def _send(producer: AIOKafkaProducer, topic: str, pairs: list[Pair]) -> None:
    batches = [producer.create_batch() for _ in range(PARTITIONS)]
    for key, value, time_ms in pairs:
        batch = batches[(murmur2(key) & 0x7FFFFFFF) % PARTITIONS]
        if batch.append(key=key, value=value, timestamp=time_ms) is None:
            raise JobError("a turn's touchpoints do not fit into one batch")
    for place, batch in enumerate(batches):
        if batch.record_count():
            await producer.send_batch(batch, topic, partition=place)
