"""Up to where each partition of a topic has been read, so that none of it is left out, or is missed without a word.

After a rebalance Faust hands out what was fetched before it went to where the state ends: batches from further on. To
take these would lose all before them. What retention has deleted before it was read is lost; reading goes on after it.
"""

from collections.abc import Awaitable, Callable

import structlog
from faust.types import TP
from prometheus_client import Counter

from stream.errors import CxstreamError

Bounds = tuple[int, int]
"""The offset of the earliest record that a partition still has, and the offset after the last one."""
log = structlog.get_logger(__name__)


class AheadError(CxstreamError):
    """A state includes records that its topic does not have."""


class Frontier:
    """Where the next batch of each partition has to begin. ``seek`` makes the consumer go on from an offset,
    ``earliest`` asks for that of the earliest record that there is.

    A batch from further on is refused, and asked for again from the frontier. When it comes a second time, there is
    nothing in between: the topic itself has a gap. What is gone by retention is said and counted in ``lost``; what
    compaction and transactions leave out is nothing that was to be read.
    """

    def __init__(
        self, seek: Callable[[TP, int], Awaitable[None]], earliest: Callable[[TP], Awaitable[int]], lost: Counter
    ) -> None:
        self._seek = seek
        self._earliest = earliest
        self._lost = lost
        self._next: dict[TP, int] = {}
        self._refused: dict[TP, int] = {}

    def open(self, tp: TP, offset: int, bounds: Bounds) -> int:
        """The state includes all before ``offset``; where reading goes on: there, or at the earliest record.

        A state that includes nothing yet begins with what there is, and has lost nothing.

        Raises:
            AheadError: the topic ends before ``offset``.
        """
        earliest, end = bounds
        if offset > end:
            raise AheadError(
                f"{tp.topic}-{tp.partition} ends at offset {end}, but the state includes all before {offset}: the "
                "topic was made anew or the brokers have lost records. Bring it back, or start with another `id`"
            )
        if offset:
            self._pass_over(tp, offset, earliest)
        self._refused.pop(tp, None)
        self._next[tp] = max(offset, earliest)
        return self._next[tp]

    async def takes(self, tp: TP, first: int, last: int) -> bool:
        """Whether a batch from ``first`` to ``last`` may be taken in; if so, the frontier is after it now."""
        at = self._next[tp]
        if first > at and self._refused.get(tp) != first:
            log.info("frontier.refused", topic=tp.topic, partition=tp.partition, expected=at, first=first)
            self._refused[tp] = first
            await self._seek(tp, at)
            return False
        if first > at:
            log.info("frontier.gap", topic=tp.topic, partition=tp.partition, expected=at, first=first)
            self._pass_over(tp, at, min(await self._earliest(tp), first))
        self._refused.pop(tp, None)
        self._next[tp] = max(at, last + 1)
        return True

    def _pass_over(self, tp: TP, at: int, earliest: int) -> None:
        """Say what was deleted between where reading is and the earliest record, if anything."""
        gone = earliest - at
        if gone > 0:
            log.warning(
                "records.lost",
                topic=tp.topic,
                partition=tp.partition,
                records=gone,
                expected=at,
                earliest=earliest,
                why="deleted by retention before they were read",
            )
            self._lost.labels(tp.topic, tp.partition).inc(gone)
