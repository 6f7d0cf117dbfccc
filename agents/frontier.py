"""Up to where each partition of a topic has been read, so that none of it is left out.

After a rebalance Faust hands out what was fetched before it went to where the state ends: batches from further on. To
take these would lose all before them.
"""

from collections.abc import Awaitable, Callable

import structlog
from faust.types import TP

log = structlog.get_logger(__name__)


class Frontier:
    """Where the next batch of each partition has to begin. ``seek`` makes the consumer go on from an offset.

    A batch from further on is refused, and asked for again from the frontier. When it comes a second time, there is
    nothing in between: the topic itself has a gap (compaction, retention, transactions).
    """

    def __init__(self, seek: Callable[[TP, int], Awaitable[None]]) -> None:
        self._seek = seek
        self._next: dict[TP, int] = {}
        self._refused: dict[TP, int] = {}

    def open(self, tp: TP, offset: int) -> None:
        """The state includes all before ``offset``."""
        self._next[tp] = offset
        self._refused.pop(tp, None)

    async def takes(self, tp: TP, first: int, last: int) -> bool:
        """Whether a batch from ``first`` to ``last`` may be taken in; if so, the frontier is after it now."""
        at = self._next[tp]
        if first > at and self._refused.get(tp) != first:
            log.info("frontier.refused", topic=tp.topic, partition=tp.partition, expected=at, first=first)
            self._refused[tp] = first
            await self._seek(tp, at)
            return False
        if first > at:
            log.warning("frontier.gap", topic=tp.topic, partition=tp.partition, expected=at, first=first)
        self._refused.pop(tp, None)
        self._next[tp] = max(at, last + 1)
        return True
