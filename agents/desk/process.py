"""The process of a desk: takes its turn when it is chosen, and answers on HTTP."""

import asyncio
import signal
from contextlib import suppress

import structlog
from faust.types import TP

from agents.clock import now_ms
from agents.desk.desk import Desk, insist
from agents.desk.election import Election
from agents.desk.instruments import DeskInstruments
from agents.ends import Ends
from agents.exposition import encoder
from agents.lookout import Lookout
from agents.parting import limit
from agents.pulse import Pulse
from agents.settings import Settings
from agents.stalls import BROKERS, Stalls
from agents.verdict import Verdict
from agents.web import WebServer, free_port
from stream.slices import SECOND_MS

log = structlog.get_logger(__name__)
_STALLED_MS = 10 * SECOND_MS


class DeskProcess:
    """Everything that one process of `cxstream desk` runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.port = free_port(settings.host, settings.port)
        self.health = DeskInstruments(each.name for each in settings.outlets)
        self._stalls = Stalls()
        self._turn: list[Desk] = []
        self._task: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[None] | None = None
        self._ends = Ends(settings.cluster, self._stalls)
        self._lookout = Lookout(settings.cluster)
        self._pulse = Pulse(settings.session_seconds * SECOND_MS, now_ms())
        self._election = Election(settings, self._begin, self._end)
        self._web = WebServer(settings.host, self.port, self._metrics, self._trouble, self._unready)

    def _metrics(self, accepted: str) -> tuple[bytes, str]:
        encode, kind = encoder(accepted)
        return encode(self.health.registry), kind

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, or until something fails that is no fault of the brokers."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        election = asyncio.create_task(self._election.run())
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, election.cancel)
        limit()
        await self._web.start()
        observing = asyncio.create_task(self._observe())
        try:
            await asyncio.wait((election, self._failed), return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            with suppress(asyncio.CancelledError):
                await election
        finally:
            election.cancel()
            observing.cancel()
            self._lookout.stop()
            await asyncio.gather(election, observing, self._ends.stop(), return_exceptions=True)
            await self._web.stop()

    async def _observe(self) -> None:
        """Once a second: do the brokers answer? One that stands by would not see it otherwise."""
        place = TP(self._settings.topic("handling"), 0)
        while True:
            await self._ends.of([place])
            self._pulse.beat(now_ms())
            self._lookout.look(self._stalls.trouble(_STALLED_MS, (BROKERS,)) is not None)
            await asyncio.sleep(1.0)

    async def _begin(self) -> None:
        await self._end()
        self.health.works()
        self._task = asyncio.create_task(insist(self._settings, self._stalls, self.health, self._turn))
        self._task.add_done_callback(self._ended)
        log.info("desk.chosen", port=self.port)

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            log.info("desk.stands_by")
        self.health.stands_by()
        self._turn.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A turn never ends by itself, unless something is wrong."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _trouble(self) -> Verdict | None:
        why = self._stalls.trouble(_STALLED_MS)
        if why is None:
            return self._pulse.trouble(now_ms())
        return Verdict("stalled", f"{why} ({self._lookout.why})" if self._lookout.why else why)

    def _unready(self) -> Verdict | None:
        """A desk that stands by is ready to."""
        trouble = self._trouble() or self._pulse.doubt(now_ms())
        if trouble is not None:
            return trouble
        if not self._election.joined:
            return Verdict("joining", "waiting to be told who does the work")
        waits = any(not desk.is_ready for desk in self._turn)
        return Verdict("reading", "what was there before is not read yet") if waits else None
