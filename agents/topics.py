"""The project's topics on a cluster: which there must be, made where they are missing, checked where they are there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from agents.cluster import Cluster
from agents.handshake import trouble
from agents.settings import Settings
from stream.errors import CxstreamError
from stream.slices import DAY_MS, HOUR_MS

LARGEST_BATCH_BYTES = 16 * 1024 * 1024
"""Of state changes of one micro-batch, which is one record batch."""

DESK_TOPICS = ("handling", "alerts-open", "alerts-told")
"""Of one partition each, small, and read whole whenever a desk starts."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``fixed``: state depends on the number of partitions, so that it must be as given."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)
    fixed: bool = True


def topics(settings: Settings) -> list[Topic]:
    """Every topic a deployment has. Records carry event times, so retention by these must not delete them."""
    n = settings.partitions
    forever = {"retention.ms": "-1"}
    lagging = {"min.compaction.lag.ms": str(HOUR_MS)}
    batches = lagging | {"max.message.bytes": str(LARGEST_BATCH_BYTES)}
    state = {"cleanup.policy": "compact", **batches}
    kept = {"cleanup.policy": "compact,delete", "retention.ms": str(800 * DAY_MS)}
    return [
        Topic(settings.topic("touchpoints"), n, forever),
        Topic(settings.topic("cells"), n, kept | batches),
        Topic(settings.topic("metrics"), 1, {"cleanup.policy": "compact"}, fixed=False),
        Topic(settings.topic("alerts"), 1, kept | lagging, fixed=False),
        *(Topic(settings.topic(name), 1, {"cleanup.policy": "compact"}) for name in DESK_TOPICS),
        Topic(settings.topic("journeys"), n, forever),
        Topic(settings.topic("rejected"), 1, {"retention.ms": str(30 * DAY_MS)}, fixed=False),
        *(Topic(name, n, forever, fixed=False) for name in settings.sources),
        Topic(settings.changelog("customers"), n, state),
        Topic(settings.changelog("windows"), n, state),
    ]


class TopicError(CxstreamError):
    """The cluster's topics are not as they must be."""


@contextmanager
def admin(cluster: Cluster) -> Iterator[KafkaAdminClient]:
    """An administration client.

    Raises:
        CxstreamError: the cluster cannot be reached.
    """
    try:
        client = KafkaAdminClient(**cluster.for_kafka_python(), bootstrap_timeout_ms=5_000, request_timeout_ms=15_000)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(cluster, error) from None
    try:
        yield client
    finally:
        client.close()


def expect(cluster: Cluster, topic: str) -> None:
    """Make sure that a topic is there: asked for a missing one, some brokers make it, with the wrong partitions.

    Raises:
        CxstreamError: it is not, or the cluster cannot be reached.
    """
    with admin(cluster) as client:
        if topic not in client.list_topics():
            raise TopicError(
                f"there is no topic {topic!r} at {cluster.bootstrap}: "
                "create the topics with `cxstream topics`, or name another with --topic"
            )


def unreachable(cluster: Cluster, error: Exception) -> CxstreamError:
    """The error for brokers that a client did not get through to: why, where it can be found out."""
    found = asyncio.run(trouble(cluster))
    if found is not None and not found.is_silent:
        return CxstreamError(f"Kafka at {cluster.bootstrap} does not let us in: {found.why}")
    why = f"{type(error).__name__}: {error}" if found is None else found.why
    return CxstreamError(
        f"no Kafka broker answers at {cluster.bootstrap} ({why}): start one with `cxstream broker`, "
        "or name yours with --bootstrap or CXSTREAM_BOOTSTRAP"
    )


def ensure(settings: Settings) -> list[str]:
    """Make the topics that are missing; the names of those made.

    Raises:
        TopicError: a topic that is there has another number of partitions than it must have.
        CxstreamError: the cluster cannot be reached or refuses.
    """
    with admin(settings.cluster) as client:
        there = partitions(client)
        wanted = topics(settings)
        _check(wanted, there)
        missing = [topic for topic in wanted if topic.name not in there]
        for topic in missing:
            _create(client, topic, settings.replication)
        return [topic.name for topic in missing]


def partitions(client: KafkaAdminClient) -> dict[str, int]:
    """Every topic on the cluster, with its number of partitions."""
    return {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics()}


def _check(wanted: list[Topic], there: dict[str, int]) -> None:
    wrong = [
        f"topic {topic.name} has {there[topic.name]} partitions, but {topic.partitions} are needed: "
        f"set `partitions: {there[topic.name]}`, or use another `id` and `prefix`"
        for topic in wanted
        if topic.fixed and there.get(topic.name, topic.partitions) != topic.partitions
    ]
    if wrong:
        raise TopicError("\n".join(wrong))


def _create(client: KafkaAdminClient, topic: Topic, replication: int) -> None:
    new = NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config)
    try:
        client.create_topics([new], timeout_ms=15_000)
    except TopicAlreadyExistsError:
        return
    except KafkaError as error:
        raise TopicError(f"topic {topic.name} cannot be created: {error}") from None
