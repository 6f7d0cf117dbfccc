"""The worker's producer: whole record batches, each waited for until the brokers have it."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownError,
    UnsupportedVersionError,
)
from aiokafka.structs import RecordMetadata

from agents.clock import now_ms
from agents.cluster import Cluster
from agents.security import SecurityError
from agents.stalls import BROKERS, Stalls
from agents.topics import LARGEST_BATCH_BYTES
from stream.errors import CxstreamError

log = structlog.get_logger(__name__)
Pair = tuple[bytes | None, bytes | None]
Letter = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""A record with headers."""
Mail = Pair | Letter
_AnyMail = TypeVar("_AnyMail", bound=Mail)
METADATA_MS = 5_000
"""How often a client asks which broker leads what, even if it has no reason to."""
_OVERHEAD_BYTES = 128
_LONGEST_PAUSE_S = 5.0
_PARTING_S = 1.0
_REMEMBERED_MS = 60_000


class BatchTooLargeError(CxstreamError):
    """Records that do not fit into one record batch."""


class Outbox:
    """Sends record batches. What the brokers do not take is tried again until they do: meanwhile, nothing goes on."""

    def __init__(self, cluster: Cluster, stalls: Stalls) -> None:
        self._cluster = cluster
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self.stalls = stalls
        self._refused: dict[str, tuple[int, int]] = {}
        self._given_up = asyncio.Event()
        self.is_idempotent = True

    async def start(self) -> None:
        """Connect; idempotently, where the brokers know that (the embedded one does not)."""
        self._given_up = asyncio.Event()
        try:
            self._producer = await self._connected(idempotent=True)
        except (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion):
            self._producer = await self._connected(idempotent=False)
            self.is_idempotent = False

    async def _connected(self, idempotent: bool) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._cluster.for_aiokafka(),
            acks="all",
            enable_idempotence=idempotent,
            max_batch_size=LARGEST_BATCH_BYTES - 64 * 1024,
            max_request_size=2 * LARGEST_BATCH_BYTES,
            request_timeout_ms=15_000,
            metadata_max_age_ms=METADATA_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def stop(self) -> None:
        """Disconnect. What the brokers do not take any more in a moment is given up: nobody waits for it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._stop(producer, _PARTING_S)

    async def _stop(self, producer: AIOKafkaProducer, seconds: float) -> None:
        try:
            await asyncio.wait_for(producer.stop(), seconds)
        except (KafkaError, TimeoutError) as error:
            log.warning("outbox.stop_failed", error=str(error) or type(error).__name__)

    def check(self, topic: str, pairs: Iterable[Mail]) -> None:
        """Make sure that the topic has not just refused as many bytes at once; it may be told to take more.

        Raises:
            BatchTooLargeError: it has.
        """
        least, until_ms = self._refused.get(topic, (LARGEST_BATCH_BYTES, 0))
        if now_ms() < until_ms and size(pairs) >= least:
            raise BatchTooLargeError(f"{topic} has refused batches of {least:,} bytes")

    async def append(self, topic: str, partition: int, records: Iterable[Mail]) -> int:
        """Write records as one batch, visible whole or not at all; the offset of the last.

        Raises:
            BatchTooLargeError: they do not fit into one batch, here or on the topic. A single record is tried again
                until the topic takes it.
        """
        pairs, this = list(records), object()
        if len(pairs) > 1:
            self.check(topic, pairs)
        self.stalls.begin(BROKERS, this, f"the brokers do not answer to a write to {topic}-{partition}")
        try:
            return await self._insist(topic, partition, pairs, this)
        finally:
            self.stalls.end(BROKERS, this)

    async def _insist(self, topic: str, partition: int, pairs: Sequence[Mail], this: object) -> int:
        pause_s = 0.1
        while True:
            producer = self._producer
            try:
                if producer is None:
                    raise KafkaError("the producer is not connected")
                metadata = await self._delivered(self._send(producer, topic, partition, pairs), self._given_up)
            except KafkaError as error:
                why = str(error) or type(error).__name__
                log.warning("outbox.refused", topic=topic, partition=partition, error=why, again_in_s=pause_s)
                self.stalls.begin(BROKERS, this, f"the brokers refuse writes to {topic}-{partition} ({why})")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                await self._renew(producer)
                if isinstance(error, MessageSizeTooLargeError) and len(pairs) > 1:
                    self._refused[topic] = size(pairs), now_ms() + _REMEMBERED_MS
                    raise BatchTooLargeError(
                        f"{len(pairs)} records for {topic} are more than it takes at once"
                    ) from None
            else:
                return int(metadata.offset) + len(pairs) - 1

    async def _delivered(self, sending: Coroutine[Any, Any, RecordMetadata], given_up: asyncio.Event) -> RecordMetadata:
        """Where a batch stands; an error where its producer is given up meanwhile, which tells nobody itself."""
        sent, ended = asyncio.create_task(sending), asyncio.create_task(given_up.wait())
        try:
            await asyncio.wait((sent, ended), return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                raise KafkaError("the producer was given up while a batch was on its way")
            return sent.result()
        finally:
            sent.cancel()
            ended.cancel()

    async def append_parts(self, topic: str, partition: int, records: Sequence[Mail]) -> int:
        """Write records in as many batches as they need, in order; the offset of the last, -1 where there are none."""
        last = -1
        for part in parts(records):
            try:
                last = await self.append(topic, partition, part)
            except BatchTooLargeError:
                half = len(part) // 2
                await self.append_parts(topic, partition, part[:half])
                last = await self.append_parts(topic, partition, part[half:])
        return last

    async def send(self, mail: Mapping[tuple[str, int], Sequence[Mail]]) -> None:
        """Write records to many partitions at once and wait for all."""
        await asyncio.gather(*(self.append_parts(*place, records) for place, records in mail.items() if records))

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, pairs: Sequence[Mail]
    ) -> RecordMetadata:
        batch = producer.create_batch()
        timestamp = now_ms()
        for mail in pairs:
            headers = mail[2] if len(mail) == 3 else []
            if batch.append(key=mail[0], value=mail[1], timestamp=timestamp, headers=headers) is None:
                raise BatchTooLargeError(f"{len(pairs)} records for {topic} do not fit into one batch")
        delivered = await producer.send_batch(batch, topic, partition=partition)
        metadata: RecordMetadata = await delivered
        return metadata

    async def _renew(self, failed: AIOKafkaProducer | None) -> None:
        """A producer that failed may have lost count of its sequence numbers: a new one takes its place."""
        async with self._renewing:
            if self._producer is not failed:
                return
            self._producer = None
            if failed is not None:
                await self._stop(failed, 5.0)
            self._given_up.set()
            try:
                await self.start()
            except (KafkaError, SecurityError) as error:
                self._producer = None
                log.warning("outbox.unreachable", bootstrap=self._cluster.bootstrap, error=str(error))


def size(pairs: Iterable[Mail]) -> int:
    """What records take, by and large."""
    return sum(len(mail[0] or b"") + len(mail[1] or b"") + _OVERHEAD_BYTES for mail in pairs)


def parts(records: Sequence[_AnyMail], limit: int = LARGEST_BATCH_BYTES // 2) -> Iterable[list[_AnyMail]]:
    """Records in runs of at most ``limit`` bytes (a single larger one makes a run of its own)."""
    run: list[_AnyMail] = []
    taken = 0
    for pair in records:
        length = size([pair])
        if run and taken + length > limit:
            yield run
            run, taken = [], 0
        run.append(pair)
        taken += length
    if run:
        yield run
