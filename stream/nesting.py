"""Which cells are part of coarser ones: those that are open, or that have not come, consist of finer ones too.

    day ── open ────┬── hour ── over: all that is finer is in it
                    ├── hour ── over
                    └── hour ── open ────┬── minute ── over
                                         └── minute ── has not come ─┬── 10 s
                                                                     └── 10 s

Each partition's cells are by themselves: in one partition a slice may be over, and go on in another.
"""

from collections.abc import Callable, Iterator

from schemas.cell import Cell, CellKey
from stream.counters import Counters, merged
from stream.rollup import COARSER
from stream.slices import Calendar


class Nesting:
    """Cells within cells. ``known`` is the cell of that key, if it has come."""

    def __init__(self, calendar: Calendar, known: Callable[[CellKey], Cell | None]) -> None:
        self._calendar = calendar
        self._known = known
        self._within: dict[CellKey, set[CellKey]] = {}

    def _parent(self, where: CellKey) -> CellKey | None:
        coarser_ms = COARSER.get(where.resolution_ms)
        if coarser_ms is None:
            return None
        start_ms = self._calendar.slice_start_ms(coarser_ms, where.start_ms)
        return CellKey(where.segment, coarser_ms, start_ms, where.partition)

    def holders(self, where: CellKey) -> Iterator[CellKey]:
        """Where a cell counts: itself, and what it is part of."""
        holder: CellKey | None = where
        while holder is not None:
            yield holder
            parent = self._parent(holder)
            holder = parent if parent is not None and holder in self._within.get(parent, ()) else None

    def is_part(self, where: CellKey) -> bool:
        """Whether a cell is part of another one."""
        parent = self._parent(where)
        return parent is not None and where in self._within.get(parent, ())

    def join(self, where: CellKey) -> list[CellKey]:
        """A cell comes for the first time: those that it becomes part of."""
        parent = self._parent(where)
        if parent is None or where in self._within.get(parent, ()):
            return []
        cell = self._known(parent)
        if cell is not None and not cell.open:
            return []
        self._within.setdefault(parent, set()).add(where)
        return [parent, *self.join(parent)]

    def close(self, where: CellKey) -> list[CellKey]:
        """A cell is open no more: those that were part of it."""
        return list(self._within.pop(where, ()))

    def leave(self, where: CellKey) -> None:
        """A cell is gone, and whatever consisted of it alone."""
        parent = self._parent(where)
        parts = None if parent is None else self._within.get(parent)
        if parent is None or not parts:
            return
        parts.discard(where)
        if not parts:
            del self._within[parent]
            if self._known(parent) is None:
                self.leave(parent)

    def total(self, where: CellKey) -> Counters:
        """The counters of a cell with all that is part of it; not to be changed."""
        cell, parts = self._known(where), self._within.get(where)
        counters = {} if cell is None else cell.counters
        return merged([counters, *map(self.total, parts)]) if parts else counters
