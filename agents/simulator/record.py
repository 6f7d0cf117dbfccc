"""Touchpoints as Kafka records."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import json

from schemas.touchpoint import Touchpoint


class Record(NamedTuple):
    """Key and value as they stand on the topic (no value is a tombstone) and the event time, the record's timestamp."""

    key: bytes
    value: bytes | None
    time_ms: int


def encode(events: Iterable[Touchpoint]) -> Iterator[Record]:
    """Each touchpoint as JSON, keyed by its customer's id in UTF-8."""
    to_json = json.Encoder().encode
    for event in events:
        yield Record(event.customer.encode(), to_json(event), event.time_ms)
