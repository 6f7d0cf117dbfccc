"""Putting records on a topic, at a chosen speed."""

from collections import Counter
from collections.abc import Callable, Iterable
from threading import Event
from time import monotonic, sleep

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.cluster import Cluster
from agents.simulator.record import Record
from agents.topics import expect, unreachable
from stream.errors import CxstreamError

STEP_S = 0.05
"""Records that are due within the same step go out together."""

PROGRESS_EVERY = 1_000

FLUSH_EVERY = 50_000
"""Wait for the broker after so many records: kafka-python's buffer has no bound, and a failure should stop the rest."""

FIRST_ANSWER_MS = 10_000
"""How long a broker may take to answer at all."""


class ProduceError(CxstreamError):
    """The records could not be put on the topic, or not all of them."""


class Pace:
    """Keeps event time in step with the wall: ``speed`` seconds of it per second. Sleeps in steps of about 50 ms."""

    def __init__(
        self,
        speed: float | None,
        clock: Callable[[], float] = monotonic,
        rest: Callable[[float], object] = sleep,
    ) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self._speed, self._clock, self._rest = speed, clock, rest
        self._origin: tuple[int, float] | None = None

    def keep(self, time_ms: int) -> bool:
        """Return when the event is due, at most a step early; True if that took a rest."""
        if self._speed is None:
            return False
        if self._origin is None:
            self._origin = time_ms, self._clock()
        first_ms, began_s = self._origin
        ahead_s = (time_ms - first_ms) / 1000 / self._speed - (self._clock() - began_s)
        if ahead_s < STEP_S:
            return False
        self._rest(ahead_s)
        return True


def produce(
    records: Iterable[Record],
    cluster: Cluster,
    topic: str,
    *,
    speed: float | None = None,
    stopped: Event | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Send every record, keyed, stamped with its event time, acknowledged by all replicas; returns how many.

    ``speed`` is in seconds of event time per second, None as fast as possible. ``on_progress`` gets the number sent so
    far and the last event time, about a thousand records or a pause apart. Once ``stopped`` is set, no more is sent;
    what was sent is waited for.

    Raises:
        CxstreamError: the broker cannot be reached, or the topic is missing.
        ProduceError: a record was not delivered.
    """
    stopped = stopped or Event()
    pace = Pace(speed, rest=stopped.wait)
    expect(cluster, topic)
    producer = _connect(cluster)
    failures: Counter[str] = Counter()

    def failed(error: BaseException) -> None:
        failures[f"{type(error).__name__}: {error}"] += 1

    sent, time_ms = 0, 0
    try:
        for key, value, time_ms in records:
            if (pace.keep(time_ms) or sent % PROGRESS_EVERY == 0) and on_progress:
                on_progress(sent, time_ms)
            if stopped.is_set():
                break
            producer.send(topic, value, key, timestamp_ms=time_ms).add_errback(failed)
            sent += 1
            if sent % FLUSH_EVERY == 0:
                producer.flush()
                if failures:
                    break
        producer.flush()
    except KafkaError as error:
        raise ProduceError(
            f"sending to {topic!r} at {cluster.bootstrap} stopped after {sent} records: {error}"
        ) from error
    finally:
        producer.close()  # joins its thread, so that every failure has been told by now
    if failures:
        _complain(failures, topic, cluster.bootstrap, sent)
    if on_progress:
        on_progress(sent, time_ms)
    return sent


def _connect(cluster: Cluster) -> KafkaProducer:
    try:
        return KafkaProducer(
            **cluster.for_kafka_python(),
            acks="all",
            compression_type="lz4",
            linger_ms=20,
            batch_size=262_144,
            max_request_size=4_194_304,
            bootstrap_timeout_ms=FIRST_ANSWER_MS,
        )
    except (KafkaError, OSError) as error:
        raise unreachable(cluster, error) from error


def _complain(failures: Counter[str], topic: str, bootstrap: str, sent: int) -> None:
    lost = sum(failures.values())
    kinds = "; ".join(f"{count} x {text}" for text, count in failures.most_common(3))
    raise ProduceError(f"{lost} of {sent} records were not delivered to {topic!r} at {bootstrap}: {kinds}")
