"""Which of several desks does the work: the one that has the only partition of `handling` in their consumer group."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

from agents.outbox import METADATA_MS
from agents.settings import Settings

_POLL_MS = 500


class Election(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """``begin`` is called when this desk is to do the work, ``end`` before another one may."""

    def __init__(
        self, settings: Settings, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._begin, self._end = begin, end
        self.joined = False

    async def run(self) -> None:
        """Take part, until cancelled.

        Raises:
            KafkaError: no broker answers at the start.
        """
        session_ms = self._settings.session_seconds * 1_000
        consumer = AIOKafkaConsumer(
            **self._settings.cluster.for_aiokafka(),
            group_id=f"{self._settings.id}-desk",
            enable_auto_commit=False,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=max(1, session_ms // 5),
            rebalance_timeout_ms=max(30_000, session_ms),
            metadata_max_age_ms=METADATA_MS,
        )
        consumer.subscribe([self._settings.topic("handling")], listener=self)
        await consumer.start()
        try:
            while True:
                consumer.pause(*consumer.assignment())
                await consumer.getmany(timeout_ms=_POLL_MS)
                await asyncio.sleep(_POLL_MS / 1_000)
        finally:
            await self._end()
            await consumer.stop()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Another desk may be about to take over."""
        self.joined = False
        await self._end()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """It is known who does the work."""
        self.joined = True
        if assigned:
            await self._begin()
