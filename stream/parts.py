"""The cells of all partitions, in the state of a board, and what they come to together."""

from collections.abc import Iterator

from schemas.cell import Cell, CellKey, Segment, decode_cell, encode
from stream.config import Config
from stream.counters import add, difference
from stream.history import History
from stream.nesting import Nesting
from stream.slices import RESOLUTIONS
from stream.state import State

PREFIX = b"c"
"""First byte of the keys of cells."""


class Parts:
    """Cells as they come, each one partition's total for a slice; ``history`` has their sums.

    A slice is dropped some time after its end. Where a partition's part of it is in no coarser one yet, that is kept
    until it is, for it counts there.
    """

    def __init__(self, config: Config, state: State, history: History) -> None:
        self._config = config
        self._state = state
        self._history = history
        self._nesting = Nesting(config.calendar, self._known)
        self._keys: dict[int, dict[int, set[CellKey]]] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}

    def __len__(self) -> int:
        """How many cells are kept, with those that consist of finer ones alone."""
        return sum(len(keys) for starts in self._keys.values() for keys in starts.values())

    def _known(self, where: CellKey) -> Cell | None:
        return self._state.get(PREFIX + encode(where), decode_cell)

    def _is_over(self, where: CellKey, now_ms: int) -> bool:
        end_ms = self._config.calendar.slice_end_ms(where.resolution_ms, where.start_ms)
        return end_ms <= now_ms - self._config.retention_ms[where.resolution_ms]

    def take(self, where: CellKey, known: Cell | None, new: Cell, now_ms: int) -> bool:
        """Count a cell in the place of what was ``known`` of it; False where nothing that it is in is kept any more.

        One that is over has no parts any more: it must not come open again (see ``Cell.is_behind``).
        """
        if known is None:
            for each in (where, *self._nesting.join(where)):
                if not self._is_over(each, now_ms):
                    self._keys[each.resolution_ms].setdefault(each.start_ms, set()).add(each)
        holders = [each for each in self._nesting.holders(where) if each.start_ms in self._keys[each.resolution_ms]]
        if not holders:
            self._nesting.leave(where)
            return False
        moved = difference({} if known is None else known.counters, new.counters)
        parts = [] if new.open else self._nesting.close(where)
        for part in parts:  # all that was in them is in the new counters
            add(moved, difference(self._nesting.total(part), {}))
            self._forget(part, now_ms)
        for each in holders:
            self._history.add(each.segment, each.resolution_ms, each.start_ms, moved)
        return True

    def _forget(self, where: CellKey, now_ms: int) -> None:
        """Delete a cell that is part of no other one, where its slice is kept no more."""
        if self._is_over(where, now_ms):
            self._state.delete(PREFIX + encode(where))
            for part in self._nesting.close(where):
                self._forget(part, now_ms)

    def expire(self, now_ms: int) -> Iterator[Segment]:
        """Drop the slices that ended longer ago than they are kept; the segments that have none left."""
        for resolution_ms, starts in self._keys.items():
            bound_ms = now_ms - self._config.retention_ms[resolution_ms]
            for start_ms in [s for s in starts if self._config.calendar.slice_end_ms(resolution_ms, s) <= bound_ms]:
                keys = starts.pop(start_ms)
                for where in keys:
                    if not self._nesting.is_part(where):
                        self._forget(where, now_ms)
                for segment in {where.segment for where in keys}:
                    if self._history.drop(segment, resolution_ms, start_ms):
                        yield segment
