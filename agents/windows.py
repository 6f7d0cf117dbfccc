"""The agent `windows`: adds up the partitions' cells, reads windows, and puts rules to the test.

Cells are merged as they come. Several times a second what changed is made durable; then alerts go out. An alert's
transition is in the state before it is sent, and is sent again after a restart: none is lost, and each keeps its id.
What is left of an alert whose rule is gone, goes once its end was sent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import orjson
import structlog
from msgspec import json

from agents.alertmail import letter
from agents.changelog import FencedError
from agents.clock import now_ms
from agents.faults import fault_point
from agents.instruments import Instruments
from agents.outbox import BatchTooLargeError, Outbox, parts
from agents.ownership import Ownership
from agents.pace import Pace
from agents.rulebook import RuleBook
from agents.settings import Settings
from agents.stalls import FENCED
from agents.table import StateTable
from schemas.alert import AnyAlert
from schemas.cell import Segment
from schemas.metric import Metric
from stream.board import KINDS, Board
from stream.rules.rule import Rule
from stream.rules.watch import rules_on

log = structlog.get_logger(__name__)
_ROUND_S = 0.1
_SHORTEST_S = 1.0
"""Between two readings of the same windows."""


class WindowsAgent:
    """Keeps the boards of the partitions of ``cells`` that this worker owns."""

    def __init__(
        self, app: Any, settings: Settings, table: StateTable, outbox: Outbox, health: Instruments, book: RuleBook
    ) -> None:
        self._app = app
        self._settings = settings
        self._table = table
        self._outbox = outbox
        self._health = health
        self._book = book
        self._pace = Pace.of_this_process()
        self._began_s = 0.0
        self._to_read: list[tuple[Board, Segment]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.topic = settings.topic("cells")
        self.boards: dict[int, Board] = {}
        self._owned = Ownership(app, self.topic, table.written, health.lost)

    async def __call__(self, stream: Any) -> None:
        async for event in stream.events():
            message, records = event.message, event.message.value
            board = self.boards.get(message.partition)
            if board is not None and await self._owned.takes(message.tp, records):
                malformed = board.merge(records, now_ms(), message.generation_id)
                self._health.foreign.inc(malformed)

    async def open(self, partitions: set[int]) -> bool:
        """The state of these partitions is complete: go on from where it ends. False if they were revoked meanwhile."""
        if not await self._owned.claim(partitions):
            return False
        boards = {partition: self._board(partition) for partition in partitions}
        if not await self._owned.begin({partition: board.marker.offset + 1 for partition, board in boards.items()}):
            return False
        self.boards.update(boards)
        self._tasks = [asyncio.create_task(self._guarded(work)) for work in (self._evaluate, self._publish)]
        return True

    def _board(self, partition: int) -> Board:
        store = self._table.partition_store
        return Board(
            self._settings.config,
            self._rules(partition),
            partial(store.get, partition),
            store.keys(partition, KINDS),
            now_ms(),
        )

    def _rules(self, partition: int) -> list[Rule]:
        return rules_on(self._book.rules, partition, self._settings.partitions)

    def take_over(self) -> None:
        """There are other rules in the book."""
        for partition, board in self.boards.items():
            board.watch.take_over(self._rules(partition))

    async def close(self) -> None:
        """The partitions are revoked."""
        self._owned.revoke()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._owned.end()
        self.boards.clear()
        self._to_read.clear()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this until the partitions are revoked; what goes wrong with it, ends the worker."""
        stalls = self._outbox.stalls
        try:
            await work()
        except FencedError as error:
            log.warning("windows.fenced", error=str(error))
            stalls.begin(FENCED, work, "another worker has taken partitions of cells over")
            await asyncio.sleep(self._settings.patience_seconds)  # about to be revoked: then this ends here
            await self._app.crash(error)
        except Exception as error:
            await self._app.crash(error)
        finally:
            stalls.end(FENCED, work)

    async def _evaluate(self) -> None:
        await self._tell([alert for board in self.boards.values() for alert in board.watch.standing()])
        for board in self.boards.values():
            board.watch.sent()
        while True:
            for partition, board in self.boards.items():
                await self._round(partition, board)
            await asyncio.sleep(_ROUND_S)

    async def _round(self, partition: int, board: Board) -> None:
        await self._outbox.send({(self.topic, partition): board.mends()})
        alerts = board.evaluate(now_ms())
        if board.state.is_changed:
            position = board.marker.offset + 1
            for part in parts(board.changes()):
                await self._make_durable(partition, part)
            board.state.settle()
            self._owned.include(partition, position)
        for alert in alerts:
            log.info("alert", state=alert.state, name=alert.alert, value=alert.value, labels=alert.labels)
            self._health.alerts.labels(alert.alert, alert.state).inc()
        await self._tell(alerts)
        board.watch.sent()
        if alerts:
            fault_point("windows-after-alerts")

    async def _make_durable(self, partition: int, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        fault_point("windows-before-state")
        try:
            await self._table.written.append(partition, dict(changes))
        except BatchTooLargeError:
            half = len(changes) // 2
            if not half:
                raise
            await self._make_durable(partition, changes[:half])
            await self._make_durable(partition, changes[half:])
            return
        fault_point("windows-after-state")
        await self._table.written.keep(partition)
        fault_point("windows-after-store")

    async def _tell(self, alerts: Sequence[AnyAlert]) -> None:
        letters = [letter(alert, self._settings) for alert in alerts]
        await self._outbox.send({(self._settings.topic("alerts"), 0): letters})

    async def _publish(self) -> None:
        while True:
            await asyncio.sleep(_ROUND_S)
            await self._publish_some()

    async def _publish_some(self) -> None:
        """Publish what has changed, one segment after the other, for as long as it is the turn of that."""
        left_s = self._pace.turn(time.monotonic(), time.process_time())
        pairs: list[tuple[bytes, bytes]] = []
        while left_s > 0 and (self._to_read or self._begin_reading()):
            board, segment = self._to_read.pop()
            began_s = time.monotonic()
            pairs += [(_key(metric), json.encode(metric)) for metric in board.metrics(segment)]
            left_s -= time.monotonic() - began_s
            await asyncio.sleep(0)  # a turn may be long, and others have work meanwhile
        await self._outbox.send({(self._settings.topic("metrics"), 0): pairs})

    def _begin_reading(self) -> bool:
        """Begin with the segments anew, at most once a second; False where it is too early, or there are none."""
        now_s = time.monotonic()
        if now_s - self._began_s < _SHORTEST_S:
            return False
        self._began_s = now_s
        self._to_read = [(board, segment) for board in self.boards.values() for segment in board.history.segments()]
        return bool(self._to_read)


def _key(metric: Metric) -> bytes:
    """Segment, metric and window: what a metric's value replaces."""
    return orjson.dumps([metric.segment, metric.metric, metric.window])
