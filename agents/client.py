"""For services that subscribe: alerts as typed objects, each once, from where the service stopped.

    async for alert in alerts("127.0.0.1:9092", group="crm", severities=("critical",)):
        await crm.open_case(alert)

What is in hand when a service dies comes again: an alert counts as done when the next one is asked for.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from time import monotonic
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from msgspec import DecodeError

from agents.cluster import Cluster
from agents.security import Security
from schemas.alert import AnyAlert, decode_alert
from schemas.handling import AnyHandling, decode_handling
from stream.desk.escalation import SEVERITIES
from stream.desk.matcher import labels_of, match_all, parse

log = structlog.get_logger(__name__)
_REMEMBERED = 100_000
_COMMIT_S = 1.0
_POLL_MS = 500
PLAIN = Security()
_T = TypeVar("_T")


async def alerts(
    bootstrap: str,
    group: str,
    *,
    security: Security = PLAIN,
    prefix: str = "",
    matchers: Sequence[str] = (),
    severities: Sequence[str] = SEVERITIES,
    open_first: bool = False,
    remembered: int = _REMEMBERED,
) -> AsyncGenerator[AnyAlert, None]:
    """Transitions of alerts, as they come; has no end.

    ``group`` is the service's name: it goes on where it stopped; of several of its processes one does the work, and the
    others stand by. Where it never was, it begins with the oldest transition there is, or, with ``open_first``, now.
    ``open_first`` yields what is open at that place before anything else. ``prefix`` goes before the topic's name, as
    in the settings. ``security`` is how the brokers are spoken to: ``agents.settings.load(...).security`` is that of a
    deployment.

    ``matchers`` (``region=eu``, ``alertname=~Low.*``) must all fit. An alert that is ``resolved`` has the severity of
    its rule, also where it was escalated: so what resolves is yielded whatever its severity.

    What is repeated or overtaken is left out, so far back as the last ``remembered`` alerts. What the group did before
    is read from the topic when a process begins. Where compaction removed it since the group stopped, as it came again
    later, it is yielded again.

    Raises:
        MatcherError: a matcher cannot be read.
        KafkaError: the brokers do not answer at the start.
    """
    wanted, seen = tuple(map(parse, matchers)), _Seen(remembered)

    def fits(alert: AnyAlert) -> bool:
        is_severe = alert.state == "resolved" or alert.severity in severities
        return is_severe and match_all(wanted, labels_of(alert))

    places = _Places(Cluster(bootstrap, security), f"{prefix}alerts", group, "latest" if open_first else "earliest")
    async with places:
        if open_first:
            for alert in await _open(places, seen):
                if fits(alert):
                    yield alert
        async with aclosing(places.records(decode_alert, seen.is_news)) as records:
            async for alert in records:
                if seen.is_news(alert) and fits(alert):
                    yield alert


async def handling(
    bootstrap: str, group: str, *, security: Security = PLAIN, prefix: str = ""
) -> AsyncGenerator[AnyHandling, None]:
    """Acknowledgements and silences, as they are written; has no end. As with ``alerts``, from where ``group`` stopped.

    Raises:
        KafkaError: the brokers do not answer at the start.
    """
    places = _Places(Cluster(bootstrap, security), f"{prefix}handling", group, "earliest")
    async with places, aclosing(places.records(decode_handling)) as records:
        async for record in records:
            yield record


async def _open(places: "_Places", seen: "_Seen") -> Iterable[AnyAlert]:
    """What is open where the group goes on, the oldest first."""
    found: dict[str, AnyAlert] = {}
    async for alert in places.before(decode_alert):
        if seen.is_news(alert):
            found.pop(alert.fingerprint, None)
            if alert.state == "firing":
                found[alert.fingerprint] = alert
    return found.values()


class _Seen:
    """The last transition of each alert, of so many alerts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._orders: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def is_news(self, alert: AnyAlert) -> bool:
        known = self._orders.get(alert.fingerprint)
        if known is not None and alert.order <= known:
            return False
        self._orders[alert.fingerprint] = alert.order
        self._orders.move_to_end(alert.fingerprint)
        if len(self._orders) > self._most:
            self._orders.popitem(last=False)
        return True


class _Places:
    """A topic, read by a group: what was done is committed once a second, and at the end."""

    def __init__(self, cluster: Cluster, topic: str, group: str, otherwise: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._done: dict[TopicPartition, int] = {}
        self._known: set[TopicPartition] = set()
        self._committed_s = monotonic()
        self._consumer = AIOKafkaConsumer(
            **cluster.for_aiokafka(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset=otherwise,
        )
        self._consumer.subscribe([topic], listener=_Assigned(self._known.clear))

    async def __aenter__(self) -> "_Places":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._commit()
        finally:
            await self._consumer.stop()

    async def records(
        self, decode: Callable[[bytes], _T], recall: Callable[[_T], object] | None = None
    ) -> AsyncGenerator[_T, None]:
        """What comes, and is one of these. A record is done with when the next one is asked for.

        ``recall`` is given all that was before, once this process has its turn, and before anything is yielded.
        """
        while True:
            found: dict[TopicPartition, list[Any]] = await self._consumer.getmany(timeout_ms=_POLL_MS)
            if recall is not None:
                begun = {place: records[0].offset for place, records in found.items() if place not in self._known}
                await self._recall(decode, recall, begun)
            for place, records in found.items():
                for record in records:
                    value = _decoded(decode, place, record)
                    if value is not None:
                        yield value
                    self._done[place] = record.offset + 1
                    if monotonic() - self._committed_s >= _COMMIT_S:
                        await self._commit()
            await self._commit()

    async def _commit(self) -> None:
        done, self._done = self._done, {}
        self._committed_s = monotonic()
        if done:
            try:
                await self._consumer.commit(done)
            except (CommitFailedError, IllegalStateError) as error:
                log.warning("client.uncommitted", topic=self._topic, error=str(error))  # another one goes on with it

    async def _recall(
        self, decode: Callable[[bytes], _T], recall: Callable[[_T], object], ends: Mapping[TopicPartition, int]
    ) -> None:
        if not ends:
            return
        async with self._history(ends) as history:
            async for value in _until(history, ends, decode):
                recall(value)
        self._known.update(ends)

    async def before(self, decode: Callable[[bytes], _T]) -> AsyncGenerator[_T, None]:
        """All from the beginning up to where the group goes on; where it never was, that is where the topic ends now.

        The end is taken from what is fetched: not all brokers answer right when they are asked for it.
        """
        while not self._consumer.assignment():  # noqa: ASYNC110  # aiokafka tells nobody but a listener
            await asyncio.sleep(0.05)
        places = sorted(self._consumer.assignment())
        starts = {place: await self._consumer.committed(place) for place in places}
        async with self._history(starts) as history:
            async with aclosing(_until(history, starts, decode)) as values:
                async for value in values:
                    yield value
            for place, start in starts.items():
                await self._begin(place, await history.position(place) if start is None else start)
        self._known.update(places)

    @asynccontextmanager
    async def _history(self, places: Iterable[TopicPartition]) -> AsyncGenerator[AIOKafkaConsumer, None]:
        """Reads from the first record there is: what came before that was deleted."""
        history = AIOKafkaConsumer(
            **self._cluster.for_aiokafka(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await history.start()
        await asyncio.sleep(0)  # aiokafka lets a CancelledError out of `stop` where its tasks have not begun
        try:
            history.assign(list(places))
            for place in places:
                history.seek(place, 0)
            yield history
        finally:
            await history.stop()

    async def _begin(self, place: TopicPartition, offset: int) -> None:
        """Go on from here, also where nothing is done before the service ends."""
        self._consumer.seek(place, offset)
        self._done[place] = offset
        await self._commit()


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Says when a process has its turn: others may have gone on with its places meanwhile."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing is to be done."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """All that is known of places may be out of date."""
        self._told()


async def _until(
    history: Any, ends: Mapping[TopicPartition, int | None], decode: Callable[[bytes], _T]
) -> AsyncGenerator[_T, None]:
    """What ``history`` reads before the ``ends``; without one, up to where the topic ends."""
    while not all([await _is_read(history, place, end) for place, end in ends.items()]):
        for place, records in (await history.getmany(timeout_ms=_POLL_MS)).items():
            end = ends[place]
            for record in records:
                value = _decoded(decode, place, record) if end is None or record.offset < end else None
                if value is not None:
                    yield value


async def _is_read(history: Any, place: TopicPartition, end: int | None) -> bool:
    end = history.highwater(place) if end is None else end
    return end is not None and await history.position(place) >= end


def _decoded(decode: Callable[[bytes], _T], place: TopicPartition, record: Any) -> _T | None:
    if record.value is None:
        return None
    try:
        return decode(record.value)
    except DecodeError as error:
        log.warning("client.foreign", topic=place.topic, offset=record.offset, error=str(error))
        return None
