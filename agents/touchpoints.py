"""The agent `touchpoints`: folds customers' touchpoints and makes the outcome durable, one micro-batch at a time.

The order is what exactness rests on: what follows from a batch is sent first, then the state with the source offset in
one record batch, then reading goes on. A crash in between repeats upserts; it loses and doubles nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from msgspec import json

from agents.alertmail import letter
from agents.changelog import FencedError
from agents.clock import now_ms
from agents.faults import fault_point
from agents.instruments import Instruments
from agents.outbox import BatchTooLargeError, Mail, Outbox
from agents.ownership import Ownership
from agents.placing import partition_of
from agents.settings import Settings
from agents.stalls import BROKERS, FENCED, Stalls
from agents.table import StateTable
from stream.cellmail import mail
from stream.fold import RESTORED, Fold
from stream.folded import Folded
from stream.record import Record

_LANE_BATCHES = 2
"""Batches that may wait in a lane: enough to keep it busy, few enough to keep memory small."""

_PAUSE_S = 1.0

Commit = Callable[["Lane", Sequence[Record], int], Awaitable[None]]
log = structlog.get_logger(__name__)


class Lane:
    """One partition: its fold, and the task that takes its batches one after the other.

    While one partition waits for the brokers, another one folds. Once another worker has taken the partition over, it
    waits for ``patience_s`` to be told so, and takes it for an error when it is not.
    """

    def __init__(self, fold: Fold, commit: Commit, stalls: Stalls, patience_s: float = 0.0) -> None:
        self.fold = fold
        self.stalls = stalls
        self._commit = commit
        self._patience_s = patience_s
        self._batches: asyncio.Queue[tuple[Sequence[Record], int]] = asyncio.Queue(_LANE_BATCHES)
        self._task: asyncio.Task[None] | None = None
        self._generation = 0
        self._is_folding = False

    @property
    def is_idle(self) -> bool:
        """Nothing waits here, or is on its way."""
        return self._batches.empty() and not self._is_folding

    def open(self, crashed: Callable[[BaseException], Awaitable[None]]) -> None:
        """Begin to take batches; ``crashed`` is told what went wrong."""
        self._task = asyncio.create_task(self._run(crashed))

    async def put(self, records: Sequence[Record], generation: int) -> None:
        """Hand over a batch; waits while others are waiting."""
        self._generation = generation
        await self._batches.put((records, generation))

    def go_on(self) -> None:
        """There is nothing to read: let time pass, where no batch is waiting."""
        if self._batches.empty():
            self._batches.put_nowait(((), self._generation))

    async def close(self) -> None:
        """Stop. A batch on its way is given up; the state does not include it, so it is read again."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        while not self._batches.empty():
            self._batches.get_nowait()  # who waits to put a batch is not to wait for ever

    async def _run(self, crashed: Callable[[BaseException], Awaitable[None]]) -> None:
        while True:
            records, generation = await self._batches.get()
            self._is_folding = True
            try:
                await self._commit(self, records, generation)
            except FencedError as error:
                log.warning("touchpoints.fenced", partition=self.fold.partition, error=str(error))
                self.stalls.begin(FENCED, self, f"another worker has taken partition {self.fold.partition} over")
                await asyncio.sleep(self._patience_s)  # the partition is about to be revoked: then this ends here
                await crashed(error)
                return
            except Exception as error:
                await crashed(error)
                return
            finally:
                self._is_folding = False
                self.stalls.end(BROKERS, self)
                self.stalls.end(FENCED, self)


class TouchpointsAgent:
    """Folds the partitions of ``touchpoints`` that this worker owns."""

    def __init__(self, app: Any, settings: Settings, table: StateTable, outbox: Outbox, health: Instruments) -> None:
        self._app = app
        self._settings = settings
        self._table = table
        self._outbox = outbox
        self._health = health
        self.topic = settings.topic("touchpoints")
        self.lanes: dict[int, Lane] = {}
        self._owned = Ownership(app, self.topic, table.written, health.lost)

    async def __call__(self, stream: Any) -> None:
        async for event in stream.events():
            message, records = event.message, event.message.value
            lane = self.lanes.get(message.partition)
            if lane is not None and await self._owned.takes(message.tp, records):
                await lane.put(records, message.generation_id)

    async def open(self, partitions: set[int]) -> bool:
        """The state of these partitions is complete: fold from where it ends. False if they were revoked meanwhile."""
        if not await self._owned.claim(partitions):
            return False
        folds = {partition: self._fold(partition) for partition in partitions}
        if not await self._owned.begin({partition: fold.marker.offset + 1 for partition, fold in folds.items()}):
            return False
        for partition, fold in folds.items():
            lane = Lane(fold, self._commit, self._outbox.stalls, self._settings.patience_seconds)
            self.lanes[partition] = lane
            lane.open(self._app.crash)
        return True

    def _fold(self, partition: int) -> Fold:
        store = self._table.partition_store
        return Fold(
            self._settings.config,
            self.topic,
            partition,
            partial(store.get, partition),
            store.keys(partition, RESTORED),
            partial(store.scan, partition),
            self._settings.id,
        )

    async def close(self) -> None:
        """The partitions are revoked."""
        self._owned.revoke()
        lanes, self.lanes = self.lanes, {}
        for lane in lanes.values():
            await lane.close()
        self._owned.end()

    async def _commit(self, lane: Lane, records: Sequence[Record], generation: int) -> None:
        """Fold records and make the outcome durable; in parts, where the changes do not fit into one batch.

        Without records, it is what follows from time passing.
        """
        # Of two batches that end at the same offset, the later one is never of an earlier generation.
        generation = max(generation, lane.fold.marker.generation)
        while True:
            fold = lane.fold
            folded = fold.process(records, now_ms(), generation) if records else fold.go_on(now_ms(), generation)
            started = time.perf_counter()
            try:
                if folded.changes:
                    await self._make_durable(lane.fold, folded, generation, len(records))
                    self._health.commit.observe(time.perf_counter() - started)
                elif records:
                    self._health.folded(len(records), folded)
            except BatchTooLargeError as error:
                lane.fold.rollback()
                half = len(records) // 2
                if half:
                    await self._commit(lane, records[:half], generation)
                    await self._commit(lane, records[half:], generation)
                    return
                await self._wait_for_room(lane, error)
            else:
                return

    async def _wait_for_room(self, lane: Lane, error: BatchTooLargeError) -> None:
        """What a single record comes to is more than the changelog takes: that is for its operator to change."""
        lane.stalls.begin(BROKERS, lane, f"{error}; raise the topic's max.message.bytes")
        await asyncio.sleep(_PAUSE_S)

    async def _make_durable(self, fold: Fold, folded: Folded, generation: int, records: int) -> None:
        self._table.written.check(folded.changes)
        n = self._settings.partitions
        cells = self._settings.topic("cells")
        out: dict[tuple[str, int], list[Mail]] = {
            (cells, number): [*pairs] for number, pairs in mail(folded, fold.partition, n, generation).items()
        }
        journeys = self._settings.topic("journeys")
        out[journeys, fold.partition] = [(step.customer.encode(), json.encode(step)) for step in folded.journeys]
        out[self._settings.topic("rejected"), 0] = [
            (f"{each.topic}-{each.partition}-{each.offset}".encode(), json.encode(each)) for each in folded.rejected
        ]
        out[self._settings.topic("alerts"), 0] = [letter(alert, self._settings) for alert in folded.alerts]
        for customer, value in folded.handed:
            key = customer.encode()
            out.setdefault((self.topic, partition_of(key, n)), []).append((key, value))
        await self._outbox.send(out)
        fault_point("after-output")
        await self._table.written.append(fold.partition, folded.changes)
        self._health.folded(records, folded)  # now: from here on a lane may be closed at any moment, and it is included
        fault_point("after-state")
        await self._table.written.keep(fold.partition)
        fault_point("after-store")
        fold.settle()
        if records:
            self._owned.include(fold.partition, folded.offset + 1)
