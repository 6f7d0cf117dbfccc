"""The batch transport: one Faust message carries all records of one partition that a fetch returned.

Stock Faust pays some 200 µs for each message (tasks, locks, sensors); here that is shared by thousands of records. The
message's value is the list of records, its offset that of the last one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, cast

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import IllegalStateError, KafkaError
from faust import Schema
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as AIOKafkaConsumer
from faust.transport.drivers.aiokafka import Transport as AIOKafkaTransport
from faust.types import TP, ConsumerMessage

from agents.outbox import METADATA_MS

_PARTING_S = 1.0
"""How long to wait for brokers when the worker ends."""


class _Records(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Fetched records as the parser makes them: they have all that is read here, and to copy each takes long."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


fetcher.PartitionRecords = _Records  # aiokafka has no other way to say so


class RawSchema(Schema[Any, Any]):
    """Hands the list of records through as it is."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Any]:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode


def bounded(update: Callable[[], asyncio.Future[bool]], seconds: float) -> Callable[[], asyncio.Future[bool]]:
    """The same, but that who waits for it is told after so long that nothing was updated.

    Once brokers had been gone, a consumer was seen to wait for an update of its metadata that nobody was at any more,
    and not to look for its group's coordinator again: another worker got its partitions, and it knew nothing of it.
    """

    def update_soon() -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        updated, told = update(), loop.create_future()

        def tell(result: bool) -> None:
            if not told.done():
                told.set_result(result)

        timer = loop.call_later(seconds, tell, False)

        def done(of: asyncio.Future[bool]) -> None:
            timer.cancel()
            tell(not of.cancelled() and of.exception() is None and of.result())

        updated.add_done_callback(done)
        return told

    return update_soon


class _Thread(AIOKafkaConsumerThread):
    """The consumer's thread, which ends also where no broker answers."""

    async def on_start(self) -> None:
        await super().on_start()
        client = self._ensure_consumer()._client
        client.force_metadata_update = bounded(client.force_metadata_update, METADATA_MS / 1000)

    async def on_thread_stop(self) -> None:
        # Closing a fetcher whose broker is gone ends in a cancellation of its own, and nobody would be told of the end.
        with suppress(asyncio.CancelledError, TimeoutError, KafkaError):
            await asyncio.wait_for(super().on_thread_stop(), _PARTING_S)


class BatchConsumer(AIOKafkaConsumer):
    """A consumer whose messages are batches.

    Where a state says up to which source offset it includes (``app.positions``), that is where reading goes on and what
    is committed: Kafka's committed offset is then only there for people to see.
    """

    app: Any

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def on_stop(self) -> None:
        """Commit what is included; whoever goes on from there looks into the state, so that it may fail."""
        with suppress(TimeoutError):
            await asyncio.wait_for(super().on_stop(), _PARTING_S)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        fetched: Any = await self._wait_next_records(timeout)
        records, active = fetched
        generation = self.app.consumer_generation_id
        if not records:
            return
        if not self.flow_active:
            with suppress(IllegalStateError):  # the partitions are gone already; the next recovery seeks its own
                await self.perform_seek()
            return
        for tp, batch in records.items():
            if self._is_outdated(generation):
                break
            if batch and (tp in active or tp in self._buffered_partitions):
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                yield tp, self._batch_message(tp, batch, generation)

    def _is_outdated(self, generation: int) -> bool:
        return not self.flow_active or self.app.consumer_generation_id != generation

    def _batch_message(self, tp: TP, batch: list[Any], generation: int) -> ConsumerMessage:
        last = batch[-1]
        message: Any = ConsumerMessage  # Faust types the value as bytes
        return message(  # type: ignore[no-any-return]
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            (),
            None,
            batch,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    async def perform_seek(self) -> None:
        """Go to the committed offsets, and where a state knows better, to what it does not include yet."""
        await super().perform_seek()
        assigned = self.assignment()
        for tp, position in list(self.app.positions.items()):  # a rebalance may empty it meanwhile
            if tp in assigned:
                await self.seek(tp, position)
                # Known to the committer even if no record follows: the former owner may have died before its commit.
                self._acked.setdefault(tp, [])

    async def _seek(self, partition: TP, offset: int) -> None:
        await self._thread.seek_wait({partition: offset})

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Batches leave no gaps to keep track of."""

    def _new_offset(self, tp: TP) -> int | None:
        """What may be committed: all that the state includes, or else the last batch that was dealt with."""
        acked = self._acked[tp]
        last = max(acked, default=None)
        acked.clear()
        self._acked_index[tp].clear()
        if tp.topic in self.app.stateful:
            return cast(int | None, self.app.positions.get(tp))
        return None if last is None else last + 1


class BatchTransport(AIOKafkaTransport):
    """Faust's aiokafka transport with batches."""

    Consumer = BatchConsumer
