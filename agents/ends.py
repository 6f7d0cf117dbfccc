"""Where partitions end, asked for apart from reading them.

A fetch tells it too, but nothing is fetched while what came before waits to be folded: lag would seem to stand still
just when it grows.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

from agents.cluster import Cluster
from agents.stalls import BROKERS, Stalls

_PATIENCE_S = 1.0


class Ends:
    """Asks the brokers of ``cluster``, on a connection of its own."""

    def __init__(self, cluster: Cluster, stalls: Stalls) -> None:
        self._cluster = cluster
        self._stalls = stalls
        self._consumer: AIOKafkaConsumer | None = None
        self._known: dict[TP, int] = {}

    async def of(self, places: Iterable[TP]) -> Mapping[TP, int]:
        """The offset that each partition's next record will get, as far as it is known.

        Where the brokers do not answer, as it last was. The embedded broker's answer may be too low.
        """
        wanted = list(places)
        if wanted:
            try:
                self._known |= await asyncio.wait_for(self._ask(wanted), _PATIENCE_S)
            except (KafkaError, TimeoutError):
                self._stalls.begin(BROKERS, self, "the brokers do not say where partitions end")
            else:
                self._stalls.end(BROKERS, self)
        return {tp: self._known[tp] for tp in wanted if tp in self._known}

    async def _ask(self, wanted: list[TP]) -> Mapping[TP, int]:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._cluster.for_aiokafka(), enable_auto_commit=False)
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        ends: Mapping[TP, int] = await self._consumer.end_offsets(wanted)
        return ends

    async def stop(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), _PATIENCE_S)
