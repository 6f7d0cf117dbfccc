"""While brokers are out of reach: looks why, so that it can be said."""

import asyncio

import structlog

from agents.cluster import Cluster
from agents.handshake import trouble

log = structlog.get_logger(__name__)
_PAUSE_S = 5.0


class Lookout:
    """``why`` is what keeps us from the brokers, as it last was; empty where nothing does, or nobody has asked."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._task: asyncio.Task[None] | None = None
        self.why = ""

    def look(self, is_needed: bool) -> None:
        """Go on looking for as long as it ``is_needed``; called again and again."""
        if is_needed and self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        elif not is_needed and self._task is not None:
            self.stop()

    def stop(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        self.why = ""
        if task is not None:
            task.cancel()

    async def _keep_looking(self) -> None:
        while True:
            found = await trouble(self._cluster)
            why = "" if found is None else found.why
            if why and why != self.why:
                log.error("brokers.out_of_reach", bootstrap=self._cluster.bootstrap, why=why)
            self.why = why
            await asyncio.sleep(_PAUSE_S)
