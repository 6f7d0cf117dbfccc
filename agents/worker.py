"""The worker: the Faust app with its agents, tables, producer and web server."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import faust
import structlog
from faust.types import TP
from yarl import URL

from agents.changelog import Changelog
from agents.clock import now_ms
from agents.collector import BoardCollector
from agents.ends import Ends
from agents.fetch import fetch
from agents.instruments import Instruments
from agents.outbox import Outbox
from agents.settings import Settings
from agents.sources import SourcesAgent
from agents.stalls import CAUSES, Stalls
from agents.stores import MemoryStore, PartitionStore, RocksStore
from agents.table import StateTable
from agents.touchpoints import TouchpointsAgent
from agents.transport import BatchTransport, RawSchema
from agents.web import WebServer, free_port
from agents.windows import WindowsAgent
from stream.board import Board
from stream.errors import CxstreamError
from stream.slices import SECOND_MS

log = structlog.get_logger(__name__)
_STALLED_MS = 10 * SECOND_MS
_MOST_RECORDS = 10_000
_DOUBTS, _DOUBT_S = 4, 2.0
_FETCH_BYTES = 2 * 1024 * 1024
"""Of one partition at once; a larger record batch is fetched all the same, whole (KIP-74)."""


Step = Callable[[], Awaitable[None]]


class SourceLostError(CxstreamError):
    """A topic is shorter than what has been read of it."""


async def _nothing() -> None:
    """No step."""


class CxApp(faust.App):
    """A Faust app whose messages are batches. ``positions`` is where its states go on reading ``stateful`` topics."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.positions: dict[TP, int] = {}
        self.stateful: set[str] = set()
        self.exact_end_offsets = True
        self.before_start: Step = _nothing
        self.before_stop: Step = _nothing
        super().__init__(*args, **kwargs)

    async def on_start(self) -> None:
        await self.before_start()
        await super().on_start()

    async def on_stop(self) -> None:
        """What still runs ends before the tables close their stores."""
        await self.before_stop()
        await super().on_stop()

    async def seek(self, tp: TP, offset: int) -> None:
        """Read a partition on from ``offset``."""
        await self.consumer.seek(tp, offset)

    def _create_directories(self) -> None:
        """The stores make their own folders; Faust needs none."""

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return BatchTransport(self.conf.broker_producer, self)


class Worker:
    """Everything that one worker process runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = free_port(settings.host, settings.port)
        self.health = Instruments()
        self.stalls = Stalls()
        self.outbox = Outbox(settings.bootstrap, self.stalls)
        self.ends = Ends(settings.bootstrap)
        self.app = self._new_app()
        self.customers = self._table("customers")
        self.cells = self._table("windows")
        self.touchpoints = TouchpointsAgent(self.app, settings, self.customers, self.outbox, self.health)
        self.windows = WindowsAgent(self.app, settings, self.cells, self.outbox, self.health)
        self.ready = False
        self.customers.on_ready = self._on_customers
        self.cells.on_ready = self._on_cells
        self._subscribe()
        self._serve()

    def _new_app(self) -> CxApp:
        settings = self.settings
        session_s = float(settings.session_seconds)
        return CxApp(
            settings.id,
            broker=[URL(f"kafka://{server}") for server in settings.bootstrap.split(",")],
            canonical_url=f"http://{_own_name(settings.host)}:{self.port}",
            web_enabled=False,
            topic_partitions=settings.partitions,
            topic_replication_factor=settings.replication,
            topic_disable_leader=True,
            table_standby_replicas=0,
            broker_session_timeout=session_s,
            broker_heartbeat_interval=session_s / 5,
            broker_rebalance_timeout=max(30.0, session_s),
            broker_request_timeout=max(40.0, session_s),
            broker_max_poll_records=_MOST_RECORDS,
            broker_commit_interval=1.0,
            consumer_max_fetch_size=_FETCH_BYTES,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            stream_buffer_maxsize=16,
            stream_recovery_delay=0.0,
            producer_acks=-1,
        )

    def _store(self, table: str) -> PartitionStore:
        settings = self.settings
        if settings.store == "memory":
            return MemoryStore()
        return RocksStore(Path(settings.data_dir) / settings.id / table)

    def _table(self, name: str) -> StateTable:
        settings = self.settings
        read = partial(fetch, settings.bootstrap)
        log = Changelog(settings.changelog(name), self._store(name), self.outbox, read, self.stalls)
        table = StateTable(
            self.app,
            log=log,
            restored=self.health.restored.labels(name),
            name=name,
            partitions=settings.partitions,
            beacon=self.app.tables.beacon,
        )
        self.app.tables.add(table)
        return table

    def _subscribe(self) -> None:
        schema = RawSchema()
        for agent in (self.touchpoints, self.windows):
            self.app.stateful.add(agent.topic)
            topic = self.app.topic(agent.topic, schema=schema, partitions=self.settings.partitions, maxsize=4)
            self.app.agent(topic, name=f"cxstream.{agent.topic}")(agent.__call__)
        if self.settings.sources:
            topic = self.app.topic(*self.settings.sources, schema=schema, maxsize=4)
            self.app.agent(topic, name="cxstream.sources")(SourcesAgent(self.settings, self.outbox).__call__)
        self.app.on_partitions_revoked.connect(self._on_revoked)

    def _boards(self) -> list[Board]:
        return list(self.windows.boards.values())

    def _serve(self) -> None:
        registry = self.health.registry
        registry.register(BoardCollector(self._boards, self.settings.config.dimensions))
        self.web = WebServer(self.settings.host, self.port, registry, self.trouble, self.unready)
        self.app.timer(1.0)(self._observe)
        self.app.before_start = self._connect
        self.app.before_stop = self._close

    async def _observe(self) -> None:
        """Bring the gauges that no event moves up to date."""
        ends = await self.ends.of(self.app.positions)
        self.health.progress(
            {
                tp: max(0, max(self.app.consumer.highwater(tp) or 0, ends.get(tp, 0)) - at)
                for tp, at in self.app.positions.items()
            },
            {number: lane.fold.marker.watermark_ms for number, lane in self.touchpoints.lanes.items()},
            now_ms(),
            {cause: self.stalls.since_ms(cause) for cause in CAUSES},
        )

        folds = [lane.fold for lane in self.touchpoints.lanes.values()]
        for table, parts in (("customers", folds), ("windows", self._boards())):
            cells, hot = sum(part.cells for part in parts), sum(part.state.held_bytes for part in parts)
            self.health.size(table, cells, hot)

    async def _on_customers(self, partitions: set[int]) -> None:
        await self._reopen(self.touchpoints, partitions)

    async def _on_cells(self, partitions: set[int]) -> None:
        if await self._reopen(self.windows, partitions):
            self.ready = True
            log.info("worker.ready", partitions=sorted(partitions), port=self.port)

    async def _reopen(self, agent: TouchpointsAgent | WindowsAgent, partitions: set[int]) -> bool:
        """Let an agent go on with these partitions; False where they were revoked meanwhile."""
        try:
            await agent.close()
            is_open = await agent.open(partitions)
            await self._check_ends()
            return is_open
        except Exception as error:  # Faust would not look at it
            await self.app.crash(error)
            return False

    async def _check_ends(self) -> None:
        """Make sure that no topic ends before what the state includes of it: all until there would be passed over."""
        doubts = 0
        while self.app.exact_end_offsets:
            ends = await self.ends.of(self.app.positions)
            short = [(tp, at, ends[tp]) for tp, at in self.app.positions.items() if ends.get(tp, at) < at]
            if not short:
                return
            doubts += 1
            if doubts == _DOUBTS:
                tp, at, end = short[0]
                raise SourceLostError(
                    f"{tp.topic}-{tp.partition} ends at {end:,}, but the state of `{self.settings.id}` includes all "
                    f"before {at:,}: the topic has been made anew. Start with another `id` and `prefix`"
                )
            await asyncio.sleep(_DOUBT_S)  # a new leader may not know yet how far the former one was

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self.ready = False
        await asyncio.gather(self.touchpoints.close(), self.windows.close())

    async def _connect(self) -> None:
        await self.app.add_runtime_dependency(cast(Any, self.web))  # at once: a recovery may take long, or wait
        await self.outbox.start()
        # Only the embedded broker has neither idempotent producers nor right end offsets.
        self.app.exact_end_offsets = self.outbox.is_idempotent

    async def _close(self) -> None:
        await self._on_revoked()
        await asyncio.gather(self.outbox.stop(), self.ends.stop())

    def trouble(self) -> str | None:
        """What keeps the worker from getting on; None while it does."""
        return self.stalls.trouble(_STALLED_MS)

    def unready(self) -> str | None:
        """What the worker still waits for; None once it owns its partitions and their state is complete."""
        return self.trouble() or (None if self.ready else "recovering: waiting for partitions and their state")


def _own_name(host: str) -> str:
    """Faust tells workers apart by their address, so that one which listens everywhere needs a name of its own."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host
