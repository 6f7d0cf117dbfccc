"""A topic, from its beginning to its end."""

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition


def consume(bootstrap: str, topic: str) -> Iterator[Any]:
    """Every record. The end is the high watermark of a fetch, which both brokers tell right."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    idle = 0
    while any(
        consumer.highwater(place) is None or consumer.position(place) < consumer.highwater(place) for place in places
    ):
        found = consumer.poll(timeout_ms=500)
        idle = 0 if found else idle + 1
        assert idle < 60, f"{topic} cannot be read to its end"
        for records in found.values():
            yield from records
    consumer.close()
