"""The worker: the Faust app with its agents, tables, producer and web server."""

import asyncio
import signal
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog
from faust.types import TP
from yarl import URL

from agents.app import CxApp
from agents.changelog import Changelog
from agents.clock import now_ms
from agents.ends import Ends
from agents.exposition import Exposition
from agents.fetch import fetch
from agents.instruments import Instruments
from agents.lookout import Lookout
from agents.outbox import METADATA_MS, Outbox
from agents.pulse import Pulse
from agents.recovery import Tables
from agents.restorer import Restorer
from agents.rulebook import RuleBook
from agents.settings import Settings
from agents.sources import SourcesAgent
from agents.stalls import BROKERS, CAUSES, FENCED, Stalls
from agents.stores import MemoryStore, PartitionStore, RocksStore
from agents.table import StateTable
from agents.touchpoints import TouchpointsAgent
from agents.transport import RawSchema
from agents.verdict import Verdict
from agents.web import WebServer, authority, free_port
from agents.windows import WindowsAgent
from stream.board import Board
from stream.friction import signals
from stream.slices import SECOND_MS

log = structlog.get_logger(__name__)
_STALLED_MS = 10 * SECOND_MS
_MOST_RECORDS = 10_000
_FETCH_BYTES = 2 * 1024 * 1024
"""Of one partition at once; a larger record batch is fetched all the same, whole (KIP-74)."""


class Worker:
    """Everything that one worker process runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = free_port(settings.host, settings.port)
        self.health = Instruments(settings.exemplars, [each.name for each in signals(settings.config)])
        self.stalls = Stalls()
        self.outbox = Outbox(settings.cluster, self.stalls)
        self.ends = Ends(settings.cluster, self.stalls)
        self.lookout = Lookout(settings.cluster)
        self.pulse = Pulse(settings.session_seconds * SECOND_MS, now_ms())
        self.app = self._new_app()
        self.customers = self._table("customers")
        self.cells = self._table("windows")
        self.touchpoints = TouchpointsAgent(self.app, settings, self.customers, self.outbox, self.health)
        self.book = RuleBook(settings, self.health)
        self.windows = WindowsAgent(self.app, settings, self.cells, self.outbox, self.health, self.book)
        self._open: set[str] = set()
        self._hung_up = False
        self._unready_since_ms = now_ms()
        self._still: dict[TP, tuple[int, int | None]] = {}
        self.customers.on_owned = self._on_customers
        self.cells.on_owned = self._on_cells
        self._subscribe()
        self._serve()

    def _new_app(self) -> CxApp:
        settings = self.settings
        session_s = float(settings.session_seconds)
        return CxApp(
            settings.id,
            broker=[URL(f"kafka://{server}") for server in settings.bootstrap.split(",")],
            broker_credentials=settings.cluster.for_faust(),
            canonical_url=f"http://{authority(_own_name(settings.host), self.port)}",
            web_enabled=False,
            topic_partitions=settings.partitions,
            topic_replication_factor=settings.replication,
            topic_disable_leader=True,
            table_standby_replicas=settings.standby_replicas,
            TableManager=Tables,
            broker_session_timeout=session_s,
            broker_heartbeat_interval=session_s / 5,
            broker_rebalance_timeout=max(30.0, session_s),
            broker_request_timeout=max(40.0, session_s),
            broker_max_poll_records=_MOST_RECORDS,
            broker_commit_interval=1.0,
            consumer_max_fetch_size=_FETCH_BYTES,
            consumer_metadata_max_age_ms=METADATA_MS,
            producer_metadata_max_age_ms=METADATA_MS,
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
        read, restored = partial(fetch, settings.cluster), self.health.restored.labels(name)
        log = Changelog(settings.changelog(name), self._store(name), self.outbox, read, self.stalls)
        table = StateTable(
            self.app,
            log=log,
            restorer=Restorer(settings.cluster, log, restored, lambda: self.app.exact_end_offsets),
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
        self.health.recovering.set_function(self._recovering_s)
        told = Exposition(self.health.registry, lambda: self.windows.boards, self.settings.config.dimensions)
        self.web = WebServer(self.settings.host, self.port, told.render, self.trouble, self.unready)
        self.app.timer(1.0)(self._observe)
        self.app.timer(1.0)(self._look_at_rules)
        self.app.before_start = self._connect
        self.app.before_stop = self._close

    async def _look_at_rules(self) -> None:
        """Take over the rules of a file that has changed, or that SIGHUP asks to be read again."""
        again, self._hung_up = self._hung_up, False
        if await asyncio.to_thread(self.book.look, again):
            self.windows.take_over()

    def _hang_up(self) -> None:
        self._hung_up = True

    async def _observe(self) -> None:
        """Bring the gauges that no event moves up to date."""
        ends = await self.ends.of(self.app.positions)
        behind = {
            tp: max(0, max(self.app.consumer.highwater(tp) or 0, ends.get(tp, 0)) - at)
            for tp, at in self.app.positions.items()
        }
        lag = {tp: records if await self._comes(tp, records) else 0 for tp, records in behind.items()}
        self.pulse.beat(now_ms(), lag, self.app.positions)
        self.lookout.look(not self.ready or self.stalls.trouble(_STALLED_MS, (BROKERS,)) is not None)
        for number, lane in self.touchpoints.lanes.items():
            place = TP(self.touchpoints.topic, number)
            if place in ends and lag.get(place) == 0:
                lane.go_on()
        self.health.progress(
            lag,
            {number: lane.fold.marker.watermark_ms for number, lane in self.touchpoints.lanes.items()},
            now_ms(),
            {cause: self.stalls.since_ms(cause) for cause in CAUSES},
        )

        folds = [lane.fold for lane in self.touchpoints.lanes.values()]
        for table, parts in (("customers", folds), ("windows", self._boards())):
            cells, hot = sum(part.cells for part in parts), sum(part.state.held_bytes for part in parts)
            self.health.size(table, cells, hot)

    async def _comes(self, tp: TP, behind: int) -> bool:
        """Whether there are records to come before the end of a partition: of transactions there are marks alone.

        What was fetched would be folded a second later, if no partition's records keep it waiting.
        """
        lanes = self.touchpoints.lanes
        if tp.topic != self.touchpoints.topic or not behind or not all(lane.is_idle for lane in lanes.values()):
            self._still.pop(tp, None)
            return behind > 0
        fetched = None
        with suppress(TimeoutError):
            fetched = await asyncio.wait_for(self.app.consumer.position(tp), 1.0)
        at = self.app.positions.get(tp, 0)
        before, self._still[tp] = self._still.get(tp), (at, fetched)
        return fetched is None or fetched < at + behind or before != (at, fetched)

    async def _on_customers(self, partitions: set[int], standbys: set[int]) -> None:
        await self._reopen(self.touchpoints, self.customers, partitions, standbys)

    async def _on_cells(self, partitions: set[int], standbys: set[int]) -> None:
        await self._reopen(self.windows, self.cells, partitions, standbys)

    async def _reopen(
        self, agent: TouchpointsAgent | WindowsAgent, table: StateTable, partitions: set[int], standbys: set[int]
    ) -> None:
        """Restore these partitions and let an agent go on with them, unless they are revoked meanwhile."""
        try:
            await agent.close()
            if not await table.restorer.catch_up(partitions) or not await agent.open(partitions):
                return
            table.restorer.follow(standbys)
            self._open.add(table.name)
        except Exception as error:  # Faust would not look at it
            await self.app.crash(error)
        if self.ready:
            self.pulse.settle()
            log.info("worker.ready", partitions=sorted(partitions), standbys=sorted(standbys), port=self.port)

    @property
    def ready(self) -> bool:
        """Both agents have their partitions, and these their state."""
        return len(self._open) == 2

    def _recovering_s(self) -> float:
        return 0.0 if self.ready else (now_ms() - self._unready_since_ms) / SECOND_MS

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        if self.ready:
            self._unready_since_ms = now_ms()
        self._open.clear()
        services = (self.customers.restorer.stop(), self.cells.restorer.stop())
        await asyncio.gather(*services, self.touchpoints.close(), self.windows.close())

    async def _connect(self) -> None:
        await self.app.add_runtime_dependency(cast(Any, self.web))  # at once: a recovery may take long, or wait
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        await self.outbox.start()
        # Only the embedded broker has neither idempotent producers nor right end offsets.
        self.app.exact_end_offsets = self.outbox.is_idempotent

    async def _close(self) -> None:
        self.lookout.stop()
        await self._on_revoked()
        await asyncio.gather(self.outbox.stop(), self.ends.stop())

    def trouble(self) -> Verdict | None:
        """What keeps the worker from getting on; None while it does."""
        why = self.stalls.trouble(_STALLED_MS)
        return self.pulse.trouble(now_ms()) if why is None else Verdict("stalled", self._explained(why))

    def unready(self) -> Verdict | None:
        """What the worker still waits for; None once it owns its partitions and their state is complete."""
        fenced = self.stalls.trouble(0, (FENCED,))
        if fenced is not None:
            return Verdict("fenced", fenced)
        waits = None if self.ready else Verdict("recovering", self._explained("waiting for partitions and their state"))
        return self.trouble() or self.pulse.doubt(now_ms()) or waits

    def _explained(self, why: str) -> str:
        return f"{why} ({self.lookout.why})" if self.lookout.why else why


def _own_name(host: str) -> str:
    """Faust tells workers apart by their address, so that one which listens everywhere needs a name of its own."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host
