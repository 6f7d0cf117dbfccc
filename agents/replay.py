"""Replay a file: read it, map its rows to touchpoints, put them on the topic."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError
from msgspec import Struct

from agents.cluster import Cluster
from agents.sourcefile import ReplayError, opened
from agents.topics import expect, unreachable
from stream.mapping import RowOutcome, SourceMapping

if TYPE_CHECKING:
    from kafka.producer.future import FutureRecordMetadata

    from schemas.touchpoint import Touchpoint

ROWS_PER_REPORT = 1_000
IN_FLIGHT = 50_000
"""Records sent and not acknowledged yet; what bounds the producer's memory."""
EXAMPLES = 20
REASONS = 100
OTHER_REASONS = "other reasons"
CONNECT_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_S = 120


class Progress(Struct, frozen=True):
    """How far a replay is. ``read_bytes`` counts the file as it lies on disk; ``total_bytes`` None is not known."""

    rows: int
    events: int
    read_bytes: int
    total_bytes: int | None


class ReplaySummary(Struct, frozen=True, kw_only=True):
    """What a replay did.

    ``events`` counts by type, ``silent_rows`` are rows that no rule asked for, ``problem_rows`` those with a problem
    (another event of the same row may have been sent). ``skipped`` counts problems by reason, ``examples`` shows the
    first 20 in full. Every event counted was acknowledged by the broker.
    """

    rows: int
    events: dict[str, int]
    silent_rows: int
    problem_rows: int
    skipped: dict[str, int]
    examples: list[str]
    seconds: float

    @property
    def sent(self) -> int:
        """Events on the topic."""
        return sum(self.events.values())


class Tally:
    """Counts outcomes on their way."""

    def __init__(self) -> None:
        self.rows = self.silent_rows = self.problem_rows = 0
        self.events: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.examples: list[str] = []

    def add(self, outcome: RowOutcome) -> RowOutcome:
        self.rows += 1
        self.silent_rows += not outcome.events and not outcome.problems
        self.problem_rows += bool(outcome.problems)
        for problem in outcome.problems:
            self.skip(problem.reason, str(problem))
        return outcome

    def skip(self, reason: str, example: str) -> None:
        """Count a reason. Those of schemas may show a value, so their number is bounded."""
        self.skipped[reason if reason in self.skipped or len(self.skipped) < REASONS else OTHER_REASONS] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)

    def summary(self, seconds: float) -> ReplaySummary:
        return ReplaySummary(
            rows=self.rows,
            events=dict(sorted(self.events.items())),
            silent_rows=self.silent_rows,
            problem_rows=self.problem_rows,
            skipped=dict(self.skipped.most_common()),
            examples=self.examples,
            seconds=round(seconds, 3),
        )


def replay(
    path: str | Path,
    mapping: SourceMapping,
    *,
    cluster: Cluster,
    topic: str,
    limit: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ReplaySummary:
    """Put the events of a file on a topic, in the mapping's order, each acknowledged by all in-sync replicas.

    The key is the customer's id, so that Kafka's default partitioner keeps a customer on one partition; the record's
    timestamp is the event's time. ``path`` ``-`` is standard input; gzip and zstd are recognised by their first bytes.
    ``limit`` is in rows. ``on_progress`` is called every 1,000 rows and at the end.

    Raises:
        CxstreamError: no broker answers, or the topic is missing.
        ReplayError: the file cannot be read, or a record was not delivered.
        MappingError: the file's header does not fit the mapping.
    """
    began = monotonic()
    tally = Tally()
    with opened(path) as source, closing(source.lines()) as lines, closing(Sender(cluster, topic)) as sender:

        def report() -> None:
            if on_progress:
                on_progress(Progress(tally.rows, tally.events.total(), source.position(), source.size))

        outcomes = (tally.add(outcome) for outcome in islice(mapping.outcomes(lines), limit))
        for event in _in_order(_reported(outcomes, tally, report), mapping.input.order):
            _send(event, sender, tally)
        sender.finish()
        report()
    return tally.summary(monotonic() - began)


def _reported(outcomes: Iterable[RowOutcome], tally: Tally, report: Callable[[], None]) -> Iterator[RowOutcome]:
    for outcome in outcomes:
        yield outcome
        if tally.rows % ROWS_PER_REPORT == 0:
            report()


def _in_order(outcomes: Iterable[RowOutcome], order: str) -> Iterable[Touchpoint]:
    """Events as they come, or sorted by time, those of one instant in the file's order."""
    events = (event for outcome in outcomes for event in outcome.events)
    return sorted(events, key=lambda event: event.time_ms) if order == "time" else events


def _send(event: Touchpoint, sender: Sender, tally: Tally) -> None:
    if event.time_ms < 0:  # Kafka has no timestamps before 1970
        tally.skip("time: before 1970", f"event {event.id}: time {event.time_ms} is before 1970")
        return
    sender.send(event)
    tally.events[str(event.__struct_config__.tag)] += 1


class Sender:
    """Sends touchpoints to one topic and looks at what became of each.

    Raises:
        CxstreamError: no broker answers, or it has no such topic.
    """

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._topic = topic
        self._bootstrap = cluster.bootstrap
        self._flying: deque[FutureRecordMetadata] = deque()
        self._encode = msgspec.json.Encoder().encode
        expect(cluster, topic)
        self._producer = _producer(cluster)

    def send(self, event: Touchpoint) -> None:
        """Send one event; waits for old ones where too many are under way."""
        try:
            future = self._producer.send(
                self._topic, self._encode(event), event.customer.encode(), timestamp_ms=event.time_ms
            )
        except KafkaError as error:
            raise self._undelivered(error) from error
        self._flying.append(future)
        if len(self._flying) > IN_FLIGHT:
            self._settle(IN_FLIGHT // 2)

    def finish(self) -> None:
        """Wait until every event is acknowledged."""
        try:
            self._producer.flush(DELIVERY_TIMEOUT_S)
        except KafkaError as error:
            raise self._undelivered(error) from error
        self._settle(0)

    def close(self) -> None:
        """Give up the connection. What is not acknowledged by then was reported as an error before."""
        self._producer.close(timeout=1)

    def _settle(self, remaining: int) -> None:
        while len(self._flying) > remaining:
            try:
                self._flying.popleft().get(DELIVERY_TIMEOUT_S)
            except KafkaError as error:
                raise self._undelivered(error) from error

    def _undelivered(self, error: KafkaError) -> ReplayError:
        return ReplayError(
            f"a record was not delivered to {self._topic!r} at {self._bootstrap}: {type(error).__name__}: {error}. "
            "Look at the broker and replay the file again: what arrived already is recognised by its id"
        )


def _producer(cluster: Cluster) -> KafkaProducer:
    try:
        return KafkaProducer(
            **cluster.for_kafka_python(),
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
            acks="all",
            compression_type="lz4",
            batch_size=262_144,
            linger_ms=50,
            max_request_size=4_194_304,
            allow_auto_create_topics=False,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(cluster, error) from error
