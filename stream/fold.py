"""The fold: one partition's touchpoints, in order, into its state and what follows from them.

Pure: the same records over the same state give the same batch. The caller makes ``changes`` durable, together with the
source offset that they include, and then calls ``settle``; or ``rollback``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import json, msgpack
from msgspec.structs import replace

from schemas.cell import Segment
from schemas.rejected import Reason
from schemas.touchpoint import Touchpoint
from stream.admission import Admission, Admitted
from stream.arrivals import Arrivals
from stream.casebook import CaseBook
from stream.cases import KINDS, AnswerKind, TicketKind
from stream.config import Config
from stream.customer import Customer
from stream.decode import Refusal
from stream.errors import StateError
from stream.folded import Folded
from stream.frictions import KIND as FRICTION
from stream.frictions import Frictions
from stream.hearing import Hearing
from stream.identity import Identities
from stream.intake import Intake
from stream.journeys import Journeys
from stream.keeping import CUSTOMER, Keeping, Scan
from stream.marker import MARKER, Marker, decode_marker
from stream.membership import KIND as PERSONAS
from stream.membership import Membership
from stream.presence import Presence
from stream.record import Record
from stream.rejection import rejected
from stream.segments import Segments, Values, reader
from stream.state import Load, State
from stream.tally import Counting, Tally
from stream.timers import Passing, Timers
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
        self._values = reader(config.read)
        known = tuple(_decode_segment(key[1:]) for key in keys if key.startswith(_SEGMENT))
        self._segments = Segments(config.segmentations, config.dimensions, config.max_segments, known, config.personal)
        self._reasons = Vocabulary(config.max_reasons, (key for key in keys if key.startswith(WORD_PREFIX)))
        self._cells = Cells(self.state, config, (key for key in keys if key.startswith(CELL_PREFIX)))
        self._keeping = Keeping(config, self.state, load, scan)
        self._tally = Tally(config, self._segments)
        self._passing = Passing(self.marker.reached_ms)
        kinds = [
            CUSTOMER,
            FRICTION,
            *(kind.prefix for kind in KINDS if kind.timed),
            *([PERSONAS] if config.personal else []),
        ]
        self._timers = {kind: Timers(scan, kind, self._passing) for kind in kinds}
        self._journeys = Journeys(config, self.state, self._tally, self._timers[CUSTOMER])
        self._frictions = Frictions(config, self.state, self._timers[FRICTION])
        watermark_ms = self.marker.watermark_ms
        self._admission = Admission(config, self.state, self._keeping, watermark_ms, self._end)
        self._arrivals = Arrivals(self._tally, self._segments)
        self._presence = Presence(config, self._tally, self._segments)
        self._membership: Membership | None = None
        counting: Counting = self._tally
        if config.personal:
            self._membership = Membership(config, self.state, self._presence, self._tally, self._timers[PERSONAS])
            counting = self._membership.ear
        by_kind = {kind: kind(config) for kind in KINDS} | {AnswerKind: AnswerKind(config, self._reasons)}
        hearers: dict[type, CaseBook] = {}
        books = {
            kind: CaseBook(*(each, config, self.state, self._keeping, counting, self._timers.get(kind.prefix), hearers))
            for kind, each in by_kind.items()
        }
        self._timed: list[Journeys | Frictions | CaseBook | Membership] = [
            self._journeys,
            self._frictions,
            *(book for kind, book in books.items() if kind.prefix in self._timers),
            *([] if self._membership is None else [self._membership]),
        ]
        self._identities = Identities(
            *(app, partition, self.state, scan, self._admission, self._presence, self._journeys, self._frictions),
            {kind.prefix: book for kind, book in books.items() if kind.events},
            self._membership,
        )
        self._intake = Intake(config, self._admission, self._identities, self._count)
        self._tickets = books.pop(TicketKind)
        self._takers: defaultdict[type, list[CaseBook | Hearing]] = defaultdict(list)
        for kind, book in books.items():
            hearers |= dict.fromkeys(kind.facts, book)
            for event in kind.events:
                self._takers[event].append(book)
        hearing = Hearing(self._tally)
        for event in hearing.events:
            self._takers[event].append(hearing)

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
        next_ms = min(timers.next_due_ms() for timers in self._timers.values())
        if next_ms <= self._passing.now_ms(marker.watermark_ms):
            self._run_out()
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
        for timers in self._timers.values():
            timers.settle()
        self._segments.new.clear()
        self._reasons.settle()

    def rollback(self) -> None:
        """The changes of the last batch are not to be."""
        self.state.rollback()
        self._cells.rollback()
        self._tally.clear()
        self._arrivals.clear()
        self._keeping.rollback()
        self._reasons.rollback()
        self._journeys.clear()
        self._frictions.clear()
        self._identities.clear()
        for timers in self._timers.values():
            timers.rollback()
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
            self._run_out()
            self._finish(records, folded, generation, now_ms)
        folded.capped = self._capped - capped_before
        return folded

    def _count(self, admitted: Admitted) -> None:
        """What these come to; one step for all of them after the other, each in order; by persona, each by itself."""
        events, customers, watermarks_ms = admitted.events, admitted.customers, admitted.watermarks_ms
        if self._membership is None:
            self._count_all(events, customers, list(map(self._values, events)), watermarks_ms)
            return
        # What one comes to may make the customer another one before the next.
        for event, customer, watermark_ms in zip(events, customers, watermarks_ms, strict=True):
            values = self._membership.meet(customer, self._values(event), watermark_ms)
            self._count_all([event], [customer], [values], [watermark_ms])
            self._membership.follow(customer, event, watermark_ms)

    def _count_all(
        self,
        events: Sequence[Touchpoint],
        customers: Sequence[Customer],
        values: Sequence[Values],
        watermarks_ms: Sequence[int],
    ) -> None:
        takers = self._takers
        arrivals = self._arrivals.take(events, values, watermarks_ms)
        present = []
        for event, customer, arrival, watermark_ms in zip(events, customers, arrivals, watermarks_ms, strict=True):
            present.append(event.by_customer and self._presence.take(customer, arrival, event.time_ms, watermark_ms))
            self._journeys.take(customer, event, arrival.values, watermark_ms)
        for event, value, is_new_day, watermark_ms in zip(events, values, present, watermarks_ms, strict=True):
            if is_new_day or type(event) in self._frictions.events:
                self._frictions.take(event, value, watermark_ms, is_new_day)
            if event.ticket is not None:
                self._tickets.take(event, value, watermark_ms)
            for taker in takers.get(type(event), ()):
                taker.take(event, value, watermark_ms)

    def _end(self, customer: Customer, name: str, watermark_ms: int) -> None:
        """A customer is about to be forgotten."""
        self._journeys.end(customer, name, watermark_ms)
        if self._membership is not None:
            self._membership.end(customer, watermark_ms)

    def _run_out(self) -> None:
        """Look at whatever the time has come for."""
        for timed in self._timed:
            timed.run_out(self._admission.watermark_ms)

    def _finish(self, records: Sequence[Record], folded: Folded, generation: int, clock_ms: int) -> None:
        watermark_ms, first = self._admission.watermark_ms, self.marker.first_offset
        if watermark_ms <= max(self.marker.watermark_ms, self.marker.reached_ms):
            clock_ms = self.marker.clock_ms or clock_ms  # event time has not moved
        if records:
            first, folded.offset = records[0].offset, records[-1].offset
        folded.watermark_ms = watermark_ms
        touched, passed = self._cells.add(self._tally.cells(), watermark_ms)
        self._tally.clear()
        folded.events = self._arrivals.by_type()
        self._arrivals.clear()
        folded.expired = passed + self._cells.expire(watermark_ms)
        waiting = {kind for kind, timers in self._timers.items() if timers.next_ms <= watermark_ms}
        if PERSONAS in waiting:
            waiting.add(CUSTOMER)
        lists, folded.forgotten = self._keeping.clear(watermark_ms, folded.offset, waiting)
        folded.journeys = self._journeys.told.copy()
        self._journeys.clear()
        folded.alerts = self._frictions.told.copy()
        self._frictions.clear()
        folded.handed = [(each.customer, json.encode(each)) for each in self._identities.handed]
        self._identities.clear()
        reached_ms = self._passing.reached_ms
        marker = Marker(VERSION, folded.offset, watermark_ms, generation, first, len(records), clock_ms, reached_ms)
        self.state.put(MARKER, marker)
        folded.changes = {MARKER: marker.encode(), **self.state.changes(), **lists, **self._reasons.changes()}
        for timers in self._timers.values():
            folded.changes |= timers.changes()
        folded.cells = {cell: totals.encode() for cell, totals in touched.items()}
        for segment in self._segments.new:
            folded.changes[_SEGMENT + _encode(segment)] = b""
