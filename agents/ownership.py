"""The partitions of a topic that this worker owns: claimed, read on from where their state ends, and given up."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from prometheus_client import Counter

from agents.changelog import Changelog
from agents.faults import fault_point
from agents.frontier import Bounds, Frontier
from stream.record import Record

log = structlog.get_logger(__name__)
_DOUBTS = 5
_PAUSE_S = 1.0


class Ownership:
    """Of one topic, whose state is in ``changelog``. ``lost`` counts records that were gone before they were read."""

    def __init__(self, app: Any, topic: str, changelog: Changelog, lost: Counter) -> None:
        self._app = app
        self._topic = topic
        self._changelog = changelog
        self._frontier = Frontier(app.seek, app.earliest, lost)
        self._turn = 0

    async def claim(self, partitions: Collection[int]) -> bool:
        """Become the only one whose state counts. False if they were revoked meanwhile."""
        wanted = self._wanted()
        await asyncio.gather(*(self._changelog.claim(partition, wanted) for partition in partitions))
        return wanted()

    async def begin(self, offsets: Mapping[int, int]) -> bool:
        """The state of each partition includes all before its offset: read on from there. False if revoked meanwhile.

        Raises:
            AheadError: the topic ends before; and still does some seconds later, as a new leader may not know at once.
        """
        wanted = self._wanted()
        places = {TP(self._topic, partition): offset for partition, offset in offsets.items()}
        for _ in range(_DOUBTS):
            bounds = await self._bounds(places, wanted)
            if not wanted() or all(offset <= bounds[tp][1] for tp, offset in places.items()):
                break
            await asyncio.sleep(_PAUSE_S)
        if not wanted():
            return False
        for tp, offset in places.items():
            fault_point("mid-rebalance")
            self._app.positions[tp] = self._frontier.open(tp, offset, bounds[tp])
        return True

    async def _bounds(self, places: Collection[TP], wanted: Callable[[], bool]) -> Mapping[TP, Bounds]:
        """How far these partitions go; asked again until the brokers answer, or as long as it is wanted."""
        while wanted():
            try:
                bounds: Mapping[TP, Bounds] = await self._app.bounds(places)
            except KafkaError as error:
                log.warning("bounds.unknown", topic=self._topic, error=str(error), again_in_s=_PAUSE_S)
                await asyncio.sleep(_PAUSE_S)
            else:
                return bounds
        return {}

    def _wanted(self) -> Callable[[], bool]:
        """Whether the partitions have not been revoked since."""
        turn = self._turn
        return lambda: turn == self._turn

    async def takes(self, tp: TP, records: Sequence[Record]) -> bool:
        """Whether a batch goes on where the one before it ended."""
        return await self._frontier.takes(tp, records[0].offset, records[-1].offset)

    def include(self, partition: int, offset: int) -> None:
        """The state includes all before ``offset``, durably."""
        self._app.positions[TP(self._topic, partition)] = offset

    def revoke(self) -> None:
        """The partitions are to be another's; a claim on its way is given up."""
        self._turn += 1

    def end(self) -> None:
        """Nothing of them is worked on any more."""
        for tp in [tp for tp in self._app.positions if tp.topic == self._topic]:
            del self._app.positions[tp]
