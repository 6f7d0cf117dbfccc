"""Simulated touchpoints for a deployment, and what they came to."""

from collections.abc import Iterable

from kafka import KafkaProducer

from agents.simulator import Incident, Kind, Population, Record, encode
from schemas.cell import WATERMARK_HEAD, decode_cell, decode_cell_key
from stream.counters import Counters, add
from stream.slices import DAY_MS, HOUR_MS
from tests.e2e.consume import consume
from tests.e2e.workers import Deployment
from tests.stream.whole import whole

Cells = dict[tuple, Counters]
BY_CLOCK = ("carts.", "target.")
"""What counters begin with that come of time passing within minutes."""
START_MS = 1_774_000_000_000


def population(seed: int = 5) -> list[Record]:
    """Some ten thousand touchpoints of an hour in which support is slow."""
    incident = Incident(Kind.SLOW_SUPPORT, START_MS + 600_000, START_MS + 1_200_000)
    return list(encode(Population(seed, 600, START_MS, 3_600_000, 6.0, incidents=[incident])))


def send(running: Deployment, records: Iterable[Record], topic: str = "touchpoints") -> int:
    """Send records and wait for all; how many there were."""
    producer = KafkaProducer(bootstrap_servers=running.settings.bootstrap, acks="all", linger_ms=20)
    futures = [
        producer.send(running.settings.topic(topic), value, key=key, timestamp_ms=time_ms)
        for key, value, time_ms in records
    ]
    for future in futures:
        future.get(30)
    producer.close()
    return len(futures)


def totals(running: Deployment) -> Cells:
    """The latest counters of all partitions added up: days and hours, where nothing depends on the watermark.

    Without carts and targets: once all is read, event time goes on, and more are left behind, or missed, the longer
    a test takes.
    """
    latest: dict[bytes, bytes] = {}
    for record in consume(running.settings.bootstrap, running.settings.topic("cells")):
        if record.value is not None and not record.key.startswith(WATERMARK_HEAD):
            latest[record.key] = record.value
    found: Cells = {}
    cells = {decode_cell_key(key): decode_cell(value) for key, value in latest.items()}
    for cell, counters in whole(cells, running.settings.config.calendar).items():
        if cell.resolution_ms in (HOUR_MS, DAY_MS):
            add(found.setdefault((cell.segment, cell.resolution_ms, cell.start_ms), {}), counters)
    lasting = (
        (place, {name: number for name, number in counters.items() if not name.startswith(BY_CLOCK)})
        for place, counters in found.items()
    )
    return {place: counters for place, counters in lasting if counters}
