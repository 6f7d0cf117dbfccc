"""A worker that is wrong on purpose: it acknowledges a batch before its state is durable.

Where a source is read on is what the marker in the state says. Here the marker goes first, on its own; a crash before
the rest has followed loses the batch. Run as ``python -m tests.chaos.hasty worker``, in place of ``agents.cli``.
"""

from agents import worker
from agents.cli import main
from agents.touchpoints import TouchpointsAgent
from stream.fold import Fold
from stream.folded import Folded
from stream.marker import MARKER


class HastyAgent(TouchpointsAgent):
    """The agent `touchpoints`, but for the order in which it commits."""

    async def _make_durable(self, fold: Fold, folded: Folded, generation: int, records: int) -> None:
        marker = {MARKER: folded.changes.pop(MARKER)}
        await self._table.written.append(fold.partition, marker)
        await self._table.written.keep(fold.partition)
        await super()._make_durable(fold, folded, generation, records)


if __name__ == "__main__":
    worker.TouchpointsAgent = HastyAgent  # type: ignore[attr-defined]
    main()
