"""The fold: one partition's touchpoints, in order, into its state and what follows from them.

Pure: the same records over the same state give the same batch. The caller makes ``changes`` durable, together with the
source offset that they include, and then calls ``settle``; or ``rollback``.
"""

from collections.abc import Iterable, Sequence

from msgspec import json, msgpack
from msgspec.structs import replace

from schemas.cell import Segment
from schemas.rejected import Reason
from stream.admission import Admission
from stream.config import Config
from stream.decode import Refusal
from stream.errors import StateError
from stream.folded import Folded
from stream.following import Following
from stream.identity import Identities
from stream.intake import Intake
from stream.keeping import Keeping, Scan
from stream.marker import MARKER, Marker, decode_marker
from stream.record import Record
from stream.rejection import rejected
from stream.rollup import Rollup
from stream.segments import Segments
from stream.state import Load, State
from stream.timers import Passing
from stream.totals import PREFIX as CELL_PREFIX
from stream.totals import Cells
from stream.versions import VERSION, NewerStateError, check
from stream.vocabulary import PREFIX as WORD_PREFIX
from stream.vocabulary import Vocabulary

_SEGMENT = b"g"
RESTORED = (CELL_PREFIX, _SEGMENT, WORD_PREFIX)
"""First bytes of the keys that a fold is to be given when it is opened."""
_AT_ONCE = 250
"""Touchpoints that go through each step together: they and what the step needs stay in the processor's cache."""
_encode = msgpack.Encoder().encode
_decode_segment = msgpack.Decoder(Segment).decode


class _PoisonError(Exception):
    """A run of touchpoints, the first at ``index``, made the fold raise."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(index)
        self.index = index
        self.cause = cause


def _no_keys(start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
    """A store that has nothing to be cleared away."""
    return ()


class Fold:
    """The fold of one partition.

    ``load`` and ``scan`` read its store, ``keys`` are those already in it (that begin like ``RESTORED``). ``app`` names
    the deployment: what another one handed over is passed over.

    Raises:
        NewerStateError: the state was written by a later release.
    """

    def __init__(
        self,
        config: Config,
        topic: str,
        partition: int,
        load: Load,
        keys: Iterable[bytes] = (),
        scan: Scan = _no_keys,
        app: str = "cxstream",
    ) -> None:
        keys = list(keys)
        self.config, self.topic, self.partition = config, topic, partition
        self.state = State(load, config.hot_bytes)
        self.marker = self.state.get(MARKER, decode_marker) or Marker(VERSION, -1, 0, 0, -1, 0)
        check(self.marker.version, f"{topic}-{partition}")
        known = tuple(_decode_segment(key[1:]) for key in keys if key.startswith(_SEGMENT))
        self._segments = Segments(config.segmentations, config.dimensions, config.max_segments, known, config.own)
        self._reasons = Vocabulary(config.max_reasons, (key for key in keys if key.startswith(WORD_PREFIX)))
        cells = Cells(self.state, config, (key for key in keys if key.startswith(CELL_PREFIX)))
        self._cells = Rollup(config, self.state, cells, self.marker.watermark_ms)
        self._keeping = Keeping(config, self.state, load, scan)
        self._passing = Passing(self.marker.reached_ms)
        following = self._following = Following(
            config, self.state, self._keeping, scan, self._passing, self._segments, self._reasons
        )
        watermark_ms = self.marker.watermark_ms
        self._admission = Admission(config, self.state, self._keeping, watermark_ms, following.end)
        self._identities = Identities(app, partition, self.state, scan, self._admission, following)
        self._intake = Intake(config, self._admission, self._identities, following.take)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return len(self._cells)

    @property
    def _capped(self) -> int:
        """How many values and reasons went to ``other``."""
        return self._segments.capped + self._reasons.capped

    def process(self, records: Sequence[Record], now_ms: int, generation: int = 0) -> Folded:
        """Fold records in order. Those at or below the offset already included are skipped.

        A touchpoint that makes the fold raise is rejected, and the batch is folded without it: one by one then.
        """
        fresh = records
        if records and records[0].offset <= self.marker.offset:
            fresh = [record for record in records if record.offset > self.marker.offset]
        poisoned: dict[int, Refusal] = {}
        at_once = _AT_ONCE
        while True:
            try:
                folded = self._run(fresh, poisoned, at_once, now_ms, generation)
            except _PoisonError as poison:
                self.rollback()
                if at_once == 1:
                    poisoned[poison.index] = (Reason.FOLD_ERROR, f"{type(poison.cause).__name__}: {poison.cause}")
                at_once = 1
            else:
                folded.skipped = len(records) - len(fresh)
                return folded

    def go_on(self, now_ms: int, generation: int = 0) -> Folded:
        """Nothing waits to be folded: event time goes on at the speed of the clock, and what is due by it happens.

        In two batches: the first says how far event time has come, and in the next, what is due by that happens.
        """
        marker, folded = self.marker, Folded(self.marker.offset, self.marker.watermark_ms)
        if not marker.clock_ms:
            return folded
        next_ms = self._following.next_due_ms()
        if next_ms <= self._passing.now_ms(marker.watermark_ms):
            self._following.run_out(self._admission.watermark_ms)
            self._finish((), folded, generation, marker.clock_ms)
        elif next_ms <= (reached_ms := self._passing.by_now(marker.watermark_ms, now_ms - marker.clock_ms)):
            new = replace(marker, reached_ms=reached_ms, clock_ms=now_ms, generation=generation)
            self.state.put(MARKER, new)
            folded.changes = {MARKER: new.encode(), **self.state.changes()}
        return folded

    def settle(self) -> None:
        """The changes of the last batch are durable."""
        self.marker = self.state.get(MARKER, decode_marker) or self.marker
        self._passing.reached_ms = self.marker.reached_ms
        self.state.settle()
        self._cells.settle()
        self._following.settle()
        self._segments.new.clear()
        self._reasons.settle()

    def rollback(self) -> None:
        """The changes of the last batch are not to be."""
        self.state.rollback()
        self._cells.rollback()
        self._following.rollback()
        self._keeping.rollback()
        self._reasons.rollback()
        self._identities.clear()
        self._admission.reach(self.marker.watermark_ms)

    def _run(
        self, records: Sequence[Record], poisoned: dict[int, Refusal], at_once: int, now_ms: int, generation: int
    ) -> Folded:
        folded = Folded(self.marker.offset, self._admission.watermark_ms)
        capped_before = self._capped
        refused = dict(poisoned)
        for first in range(0, len(records), at_once):
            try:
                self._intake.take(records, range(first, min(first + at_once, len(records))), now_ms, refused, folded)
            except (StateError, NewerStateError):
                raise
            except Exception as error:
                raise _PoisonError(first, error) from error
        for index in sorted(refused):
            folded.rejected.append(rejected(self.topic, self.partition, records[index], *refused[index]))
        if records:
            self._following.run_out(self._admission.watermark_ms)
            self._finish(records, folded, generation, now_ms)
        folded.capped = self._capped - capped_before
        return folded

    def _finish(self, records: Sequence[Record], folded: Folded, generation: int, clock_ms: int) -> None:
        watermark_ms, first = self._admission.watermark_ms, self.marker.first_offset
        if watermark_ms <= max(self.marker.watermark_ms, self.marker.reached_ms):
            clock_ms = self.marker.clock_ms or clock_ms  # event time has not moved
        if records:
            first, folded.offset = records[0].offset, records[-1].offset
        folded.watermark_ms = watermark_ms
        following = self._following
        touched, passed = self._cells.add(following.tally.cells(), watermark_ms)
        folded.events = following.arrivals.by_type()
        folded.expired = [*passed, *self._cells.expire(watermark_ms)]
        lists, folded.forgotten = self._keeping.clear(watermark_ms, folded.offset, following.waiting(watermark_ms))
        folded.journeys = following.journeys.told.copy()
        folded.alerts = following.frictions.told.copy()
        following.clear()
        folded.handed = [(each.customer, json.encode(each)) for each in self._identities.handed]
        self._identities.clear()
        reached_ms = self._passing.reached_ms
        marker = Marker(VERSION, folded.offset, watermark_ms, generation, first, len(records), clock_ms, reached_ms)
        self.state.put(MARKER, marker)
        folded.changes = {MARKER: marker.encode(), **self.state.changes(), **lists, **self._reasons.changes()}
        for timers in following.timers.values():
            folded.changes |= timers.changes()
        # What is over comes before what is in it, which then needs not be counted in both by whoever adds them up.
        folded.cells = {cell: totals.encode() for cell, totals in reversed(touched.items())}
        folded.open = self._cells.open
        for segment in self._segments.new:
            folded.changes[_SEGMENT + _encode(segment)] = b""
