"""What is counted in slices is added to the coarser ones that they are part of once these are over.

Until then a coarser slice is *open*: its cell has what was counted in nothing finer, and whoever reads it adds what is
finer. So what is counted changes the cells of ten seconds alone, and what a day comes to is sent when it is over.

    │10 s│10 s│10 s│10 s│10 s│10 s│
    │─────────── minute ──────────│ open until the watermark is here; from then on all is in it, and what comes late
                                    counts in both
"""

from itertools import pairwise

from msgspec import Struct, msgpack

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters, add
from stream.slices import RESOLUTIONS
from stream.state import State
from stream.tally import CellId
from stream.totals import Cells, Totals

_KEY = b"r"
_AT_ONCE = 2_000
"""Slices that a batch adds up at most, beside as many as come with it; fewer where one batch cannot hold them."""
COARSER = dict(pairwise(RESOLUTIONS))
"""The next coarser resolution."""
_FINER = {coarser: finer for finer, coarser in COARSER.items()}
Place = tuple[int, int]
"""Resolution and start of a slice."""
Turn = tuple[int, int, int, Segment]
"""When a slice ended, its resolution, start and segment: in that order they are added up, finer ones first."""
Closing = dict[int, dict[CellId, None]]
"""Cells by resolution, in order."""


class Nested(Struct, frozen=True, array_like=True):
    """Slices that begin before ``from_ms`` are never open: an earlier release counted in all resolutions at once, and
    knew of no other cells. Its day goes on like that, and the next, for workers of both may run side by side.

    From ``late`` on they are still open, though over: there were too many for one batch.
    """

    from_ms: int
    late: Turn | None = None

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode = msgpack.Decoder(Nested).decode


class Rollup:
    """The cells of one partition, from fine to coarse. Of those of the last batch, ``open`` are the open ones."""

    def __init__(self, config: Config, state: State, cells: Cells, watermark_ms: int) -> None:
        self._calendar = config.calendar
        self._state = state
        self._cells = cells
        stored = state.get(_KEY, _decode)
        if stored is None:
            today_ms = self._calendar.day_start_ms(watermark_ms)
            stored = Nested(self._calendar.shift_days_ms(today_ms, 2) if watermark_ms else 0)
        self._from_ms = stored.from_ms
        self._late = stored.late
        self._at_once = _AT_ONCE
        self._closed: list[CellId] = []
        self.open: set[CellId] = set()
        self._reach(watermark_ms)
        self._within: dict[Place, dict[Segment, set[int]]] = {}
        """By slice and segment, the starts of the finer ones that are not in it yet."""
        for cell in cells.ids():
            parent = self._parent(cell)
            if parent is not None and self._waits(parent):
                self._put_within(parent, cell)

    def _reach(self, watermark_ms: int) -> None:
        self._watermark_ms = watermark_ms
        self._coarser: dict[Place, Place] = {}
        self._is_over: dict[Place, bool] = {}

    def _parent(self, cell: CellId) -> CellId | None:
        """What a cell is part of, in the next coarser resolution."""
        segment, resolution_ms, start_ms = cell
        coarser_ms = COARSER.get(resolution_ms)
        if coarser_ms is None:
            return None
        place = self._coarser.get((resolution_ms, start_ms))
        if place is None:
            place = coarser_ms, self._calendar.slice_start_ms(coarser_ms, start_ms)
            self._coarser[resolution_ms, start_ms] = place
        return segment, *place

    def _is_open(self, cell: CellId) -> bool:
        """Whether the slice goes on, so that what is finer is not in it."""
        _, resolution_ms, start_ms = cell
        place = resolution_ms, start_ms
        over = self._is_over.get(place)
        if over is None:
            end_ms = self._calendar.slice_end_ms(resolution_ms, start_ms)
            over = self._is_over[place] = start_ms < self._from_ms or end_ms <= self._watermark_ms
        return not over

    def _waits(self, cell: CellId) -> bool:
        """Whether a cell has not in it yet what is finer."""
        return self._is_open(cell) or (self._late is not None and self._turn(cell) >= self._late)

    def _turn(self, cell: CellId) -> Turn:
        segment, resolution_ms, start_ms = cell
        return self._calendar.slice_end_ms(resolution_ms, start_ms), resolution_ms, start_ms, segment

    def _put_within(self, parent: CellId, cell: CellId) -> None:
        """Have a cell in what it is part of once that is over; and that, which may have no cell yet, in the next."""
        by_segment = self._within.setdefault(parent[1:], {})
        if parent[0] not in by_segment:
            by_segment[parent[0]] = set()
            above = self._parent(parent)
            if above is not None and self._waits(above):
                self._put_within(above, parent)
        by_segment[parent[0]].add(cell[2])

    def _parts(self, cell: CellId) -> set[int]:
        """The starts of the finer slices that are not in a cell yet."""
        return self._within.get(cell[1:], {}).get(cell[0], set())

    def add(self, counted: dict[CellId, Counters], watermark_ms: int) -> tuple[dict[CellId, Totals], set[CellId]]:
        """Add what a batch has counted, and what is over by its end to what it is part of.

        Returns the cells that this touches, from fine to coarse, and which of them are no longer kept already.
        """
        self._reach(watermark_ms)
        levels: dict[int, dict[CellId, Counters]] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        for cell, counters in counted.items():
            levels[cell[1]][cell] = counters
        closing = self._closing(len(counted))
        touched: dict[CellId, Totals] = {}
        passed: set[CellId] = set()
        for resolution_ms, level in levels.items():
            for cell in closing[resolution_ms]:
                self._absorb(cell, level)
            parents = {cell: self._parent(cell) for cell in level}
            kept = {cell for cell, parent in parents.items() if parent is not None and self._waits(parent)}
            now, gone = self._cells.add(level, watermark_ms, kept)
            touched |= now
            passed |= gone
            for cell, parent in parents.items():
                if parent is None:
                    continue
                if cell in kept:
                    self._put_within(parent, cell)
                elif parent not in closing[parent[1]] or cell[2] not in self._parts(parent) or cell in gone:
                    add(levels[parent[1]].setdefault(parent, {}), level[cell])
        self.open = {cell for cell in touched if cell[1] in _FINER and self._waits(cell)}
        self._closed = [cell for cells in closing.values() for cell in cells]
        return touched, passed

    def _closing(self, cells: int) -> Closing:
        """What is over and open still, as much as a batch may add up that counts in so many cells.

        More than come with these, so that there is an end to them.
        """
        over = [place for place in self._within if not self._is_open(((), *place))]
        due = sorted(self._turn((segment, *place)) for place in over for segment in self._within[place])
        most = self._at_once + len(COARSER) * cells
        closing: Closing = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        for _, resolution_ms, start_ms, segment in due[:most]:
            closing[resolution_ms][segment, resolution_ms, start_ms] = None
        self._late = due[most] if len(due) > most else None
        nested = Nested(self._from_ms, self._late)
        if self._state.get(_KEY, _decode) != nested:
            self._state.put(_KEY, nested)
        return closing

    def _absorb(self, cell: CellId, level: dict[CellId, Counters]) -> None:
        """Add what is part of a cell to it."""
        total = level.setdefault(cell, {})
        segment, resolution_ms, _ = cell
        for start_ms in self._parts(cell):
            part = self._cells.get((segment, _FINER[resolution_ms], start_ms))
            if part is not None:
                add(total, part.counters)

    def __len__(self) -> int:
        """How many cells are kept."""
        return len(self._cells)

    def expire(self, watermark_ms: int) -> list[CellId]:
        """Drop the cells whose slice ended longer ago than it is kept, and that are in what they are part of."""
        return self._cells.expire(watermark_ms, self._holds)

    def _holds(self, cell: CellId) -> bool:
        """Whether a cell is to be kept for what it is part of, which has it not yet."""
        parent = self._parent(cell)
        return parent is not None and self._waits(parent)

    def settle(self) -> None:
        """What the last batch added up, and what expired in it, is durable."""
        self._cells.settle()
        for segment, *place in self._closed:
            by_segment = self._within[place[0], place[1]]
            del by_segment[segment]
            if not by_segment:
                del self._within[place[0], place[1]]
        self._closed = []
        self._at_once = _AT_ONCE

    def rollback(self) -> None:
        """The last batch is not to be, perhaps because it was too large."""
        self._cells.rollback()
        stored = self._state.get(_KEY, _decode)
        self._late = stored.late if stored is not None else None
        self._closed = []
        self._at_once = max(1, self._at_once // 2)
