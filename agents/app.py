"""The Faust app: messages are batches, and states say where reading goes on."""

from collections.abc import Awaitable, Callable, Collection
from sys import maxsize
from typing import Any

import faust
from faust.types import TP

from agents.frontier import Bounds
from agents.transport import BatchTransport

Step = Callable[[], Awaitable[None]]


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

    async def earliest(self, tp: TP) -> int:
        """The offset of the earliest record that a partition still has."""
        return (await self.consumer.earliest_offsets(tp))[tp] or 0

    async def bounds(self, tps: Collection[TP]) -> dict[TP, Bounds]:
        """The offset of the earliest record that each partition still has, and the offset after its last one."""
        earliest, ends = await self.consumer.earliest_offsets(*tps), await self.consumer.highwaters(*tps)
        return {tp: (earliest[tp] or 0, (ends[tp] or 0) if self.exact_end_offsets else maxsize) for tp in tps}

    def _create_directories(self) -> None:
        """The stores make their own folders; Faust needs none."""

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return BatchTransport(self.conf.broker_producer, self)
