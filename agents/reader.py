"""Reading topics as they stand: from the beginning to where they end now, and on from there.

Where a topic ends is known from its fetch responses: the embedded broker's answer to ListOffsets is too low (it names
the first record of the last batch), the high watermark that comes with the records is right on every broker.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cluster import Cluster
from agents.topics import LARGEST_BATCH_BYTES, TopicError, unreachable
from stream.errors import CxstreamError

_POLL_MS = 200
_PATIENCE_S = 30.0


class KafkaRecord(Protocol):
    """A record as kafka-python hands it out."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Reader:
    """Reads topics of one cluster without a group: nobody else notices, nothing is committed."""

    def __init__(self, consumer: Any, patience_s: float = _PATIENCE_S) -> None:
        self._consumer = consumer
        self._patience_s = patience_s

    def partitions(self, topic: str) -> list[TopicPartition]:
        """The partitions of a topic.

        Raises:
            TopicError: there is no such topic.
        """
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise TopicError(f"there is no topic {topic} on this cluster: make the topics with `cxstream topics`")
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    def read(self, topic: str, partitions: Iterable[int] | None = None) -> Iterator[KafkaRecord]:
        """All records up to where each partition ends when it is first looked at, in order within a partition.

        Shows how far it is on standard error where somebody watches.

        Raises:
            CxstreamError: there is no such topic, or the brokers stop answering.
        """
        places = [at for at in self.partitions(topic) if partitions is None or at.partition in partitions]
        self._assign(places)
        self._consumer.seek_to_beginning(*places)
        with _bar(topic) as bar:
            yield from self._to_end(places, bar)

    def follow(self) -> Iterator[KafkaRecord]:
        """What comes after the records of the last ``read``, as it comes; has no end."""
        self._consumer.resume(*self._consumer.assignment())
        while True:
            for records in self._poll().values():
                yield from records

    def ends(self, topics: Iterable[str]) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset that each partition still has, and the one that its next record will get.

        Raises:
            CxstreamError: one of the topics is not there, or the brokers do not answer.
        """
        places = [at for topic in topics for at in self.partitions(topic)]
        self._assign(places)
        self._consumer.seek_to_end(*places)
        ends: dict[TopicPartition, int] = {}
        deadline_s = monotonic() + self._patience_s
        while len(ends) < len(places):
            if monotonic() > deadline_s:
                raise self._silent([at for at in places if at not in ends])
            self._poll()
            self._note_ends(places, ends)
        begins = self._consumer.beginning_offsets(places)
        return {at: (begins[at], ends[at]) for at in places}

    def _assign(self, places: list[TopicPartition]) -> None:
        """Read these from now on, knowing nothing yet of where they end."""
        self._consumer.unsubscribe()
        self._consumer.assign(places)

    def _to_end(self, places: list[TopicPartition], bar: Progress) -> Iterator[KafkaRecord]:
        ends: dict[TopicPartition, int] = {}
        waiting = set(places)
        task = bar.add_task("reading", total=None)
        deadline_s = monotonic() + self._patience_s
        while waiting:
            polled = self._poll()
            known = len(ends)
            self._note_ends(places, ends)
            for at, records in polled.items():
                yield from (record for record in records if record.offset < ends[at])
            done = [at for at in waiting if at in ends and self._consumer.position(at) >= ends[at]]
            for at in done:
                self._finish(at, ends[at])
            waiting.difference_update(done)
            if polled or done or len(ends) > known:
                deadline_s = monotonic() + self._patience_s
            elif monotonic() > deadline_s:
                raise self._silent(sorted(waiting))
            bar.update(task, advance=sum(map(len, polled.values())), total=sum(ends.values()))

    def _finish(self, at: TopicPartition, end: int) -> None:
        """Stand at the end and fetch no more, so that what came later is there to be followed."""
        self._consumer.seek(at, end)
        self._consumer.pause(at)

    def _note_ends(self, places: Iterable[TopicPartition], ends: dict[TopicPartition, int]) -> None:
        for at in places:
            end = self._consumer.highwater(at)
            if end is not None:
                ends.setdefault(at, end)

    def _poll(self) -> dict[TopicPartition, list[KafkaRecord]]:
        try:
            polled: dict[TopicPartition, list[KafkaRecord]] = self._consumer.poll(_POLL_MS)
        except KafkaError as error:
            raise CxstreamError(f"the brokers refuse to be read from: {error}") from None
        return polled

    def _silent(self, waiting: list[TopicPartition]) -> CxstreamError:
        names = ", ".join(f"{at.topic}-{at.partition}" for at in waiting)
        return CxstreamError(f"nothing comes from {names} for {self._patience_s:g} s: are all brokers in service?")


@contextmanager
def reading(cluster: Cluster, patience_s: float = _PATIENCE_S) -> Iterator[Reader]:
    """A reader of a cluster. Gives up when nothing comes for ``patience_s`` seconds.

    Raises:
        CxstreamError: the cluster cannot be reached.
    """
    try:
        consumer = KafkaConsumer(
            **cluster.for_kafka_python(),
            bootstrap_timeout_ms=5_000,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            enable_incremental_fetch_sessions=False,  # they leave out partitions, with their high watermarks
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=LARGEST_BATCH_BYTES,
            max_poll_records=5_000,
            metrics_enabled=False,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(cluster, error) from None
    try:
        yield Reader(consumer, patience_s)
    finally:
        consumer.close()


def printable(text: str) -> str:
    """Text from a topic, safe to show: control characters, with which a terminal can be led astray, are escaped.

    >>> printable("plain\\x1b[2J")
    'plain\\\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _bar(topic: str) -> Progress:
    columns = (TextColumn(f"reading {topic}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
