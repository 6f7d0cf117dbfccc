"""Faust's recovery, which here only says when: what there is to read back is read by the restorers.

Faust's own goes record by record, has no way to see that it was handed batches from beyond where it went to, and stops
for good where a local state is ahead of its changelog.
"""

from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP


class _NoRecovery(Recovery):
    """Always up to date. Tables are told of their partitions in ``on_recovery_completed``."""

    def add_standby(self, table: Any, tp: TP) -> None:
        """The table is told of it; Faust is not to read it."""
        self.standbys_for_table[table].add(tp)

    async def _build_offsets(self, consumer: Any, tps: set[TP], destination: Any, title: str) -> None:
        for tp in tps:
            destination[tp] = self.active_highwaters[tp]


class Tables(TableManager):
    """Faust's tables, which restore themselves."""

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = _NoRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
