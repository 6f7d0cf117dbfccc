"""The fold: one partition's touchpoints, in order, into its state and what follows from them.

Pure: the same records over the same state give the same batch. The caller makes ``changes`` durable, together with the
source offset that they include, and then calls ``settle``; or ``rollback``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from msgspec import msgpack
from msgspec.structs import replace

from schemas.cell import Segment
from schemas.rejected import Reason
from schemas.survey import SurveyAnswered
from schemas.touchpoint import Touchpoint
from stream import activity, answers, tickets
from stream.config import Config
from stream.customer import Customer
from stream.decode import Outcome, Refusal, decode
from stream.errors import StateError
from stream.facts import Arrived
from stream.folded import Folded
from stream.keeping import ANSWER, CUSTOMER, STRETCH_MS, TICKET, Keeping, Scan
from stream.marker import MARKER, Marker, decode_marker
from stream.metrics import counted
from stream.record import Record
from stream.rejection import rejected
from stream.segments import Segments, Values, reader
from stream.slices import DAY_MS, EARLIEST_MS, MINUTE_MS
from stream.state import Load, State
from stream.tally import Coder, Tally
from stream.totals import PREFIX as CELL_PREFIX
from stream.totals import Cells
from stream.versions import VERSION, check

_SEGMENT = b"g"
_AT_ONCE = 250
"""Touchpoints that are decoded at once."""
_ARRIVALS = 10_000
"""Kinds of arrival of one type that are remembered."""
_SOON_MS = EARLIEST_MS + MINUTE_MS
_encode = msgpack.Encoder().encode
_decode_segment = msgpack.Decoder(Segment).decode


@dataclass(slots=True)
class _Arrival:
    """What touchpoints of one type and with the same values count as when they arrive.

    ``place`` stands for the ``segments``, and is quicker to look up.
    """

    kind: str
    segments: tuple[int, ...]
    place: int
    codes: tuple[int, ...]


class _PoisonError(Exception):
    """The touchpoint at ``index`` made the fold raise."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(index)
        self.index = index
        self.cause = cause


def _no_keys(start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
    """A store that has nothing to be cleared away."""
    return ()


class Fold:
    """The fold of one partition.

    ``load`` and ``scan`` read its store, ``keys`` are those already in it (of cells and segments).

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
    ) -> None:
        keys = list(keys)
        self.config, self.topic, self.partition = config, topic, partition
        self.state = State(load, config.hot_bytes)
        self.marker = self.state.get(MARKER, decode_marker) or Marker(VERSION, -1, 0, 0, -1, 0)
        check(self.marker.version, f"{topic}-{partition}")
        self._keeping = Keeping(config, self.state, load, scan)
        self._reach(self.marker.watermark_ms)
        self._values = reader(config.dimensions)
        known = tuple(_decode_segment(key[1:]) for key in keys if key.startswith(_SEGMENT))
        self.segments = Segments(config.segmentations, config.dimensions, config.max_segments, known)
        self._cells = Cells(self.state, config, (key for key in keys if key.startswith(CELL_PREFIX)))
        self._tally = Tally(config, self.segments)
        self._first = self._tally.coder(counted(activity.FIRST))
        self._coders: dict[str, Coder] = {}
        self._arrivals: defaultdict[type, dict[Values, _Arrival]] = defaultdict(dict)
        self._places: dict[tuple[int, ...], int] = {}
        self._next_place = count()
        self._calendar = config.calendar
        self._recent_ids = config.recent_ids
        self._customer_kept_ms = config.customer_kept_ms
        self._kept_ms = config.retention_ms[DAY_MS]
        self._kept_days = self._kept_ms // DAY_MS + 1
        self._day, self._day_ms = 0, (0, 0)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return len(self._cells)

    def process(self, records: Sequence[Record], now_ms: int, generation: int = 0) -> Folded:
        """Fold records in order. Those at or below the offset already included are skipped.

        A touchpoint that makes the fold raise is rejected, and the batch is folded without it.
        """
        fresh = records
        if records and records[0].offset <= self.marker.offset:
            fresh = [record for record in records if record.offset > self.marker.offset]
        poisoned: dict[int, Refusal] = {}
        while True:
            try:
                folded = self._run(fresh, poisoned, now_ms, generation)
            except _PoisonError as poison:
                self.rollback()
                poisoned[poison.index] = (Reason.FOLD_ERROR, f"{type(poison.cause).__name__}: {poison.cause}")
            else:
                folded.skipped = len(records) - len(fresh)
                return folded

    def settle(self) -> None:
        """The changes of the last batch are durable."""
        self.marker = self.state.get(MARKER, decode_marker) or self.marker
        self.state.settle()
        self._cells.settle()
        self.segments.new.clear()

    def rollback(self) -> None:
        """The changes of the last batch are not to be."""
        self.state.rollback()
        self._cells.rollback()
        self._tally.clear()
        self._keeping.rollback()
        self._reach(self.marker.watermark_ms)

    def _reach(self, watermark_ms: int) -> None:
        """Set the watermark; a minute behind it is late, and before 1990 is never right."""
        self._watermark_ms = watermark_ms
        self._late_ms = max(watermark_ms - MINUTE_MS, EARLIEST_MS)
        self._keeping.reach(watermark_ms)
        # Up to there nothing but the watermark moves, and what is late with it.
        self._reach_ms = self._keeping.stretch_ms + STRETCH_MS if watermark_ms > _SOON_MS else watermark_ms + 1

    def _run(self, records: Sequence[Record], poisoned: dict[int, Refusal], now_ms: int, generation: int) -> Folded:
        folded = Folded(self.marker.offset, self._watermark_ms)
        capped_before = self.segments.capped
        horizon_ms = now_ms + self.config.future_ms
        for index, outcome in enumerate(self._decoded(records)):
            refusal = poisoned.get(index) if poisoned else None
            if type(outcome) is tuple:
                refusal = outcome
            elif refusal is None:
                try:
                    refusal = self._touchpoint(outcome, horizon_ms, folded)  # type: ignore[arg-type]
                except StateError:
                    raise
                except Exception as error:
                    raise _PoisonError(index, error) from error
            if refusal is not None:
                folded.rejected.append(rejected(self.topic, self.partition, records[index], *refusal))
        if records:
            self._finish(records, folded, generation)
        folded.capped = self.segments.capped - capped_before
        return folded

    def _decoded(self, records: Sequence[Record]) -> Iterator[Outcome]:
        """Outcomes in order, some at a time: those of a whole batch would not stay in the processor's cache."""
        for at in range(0, len(records), _AT_ONCE):
            values = [record.value for record in records[at : at + _AT_ONCE]]
            yield from decode(values, self.config.max_record_bytes)

    def _finish(self, records: Sequence[Record], folded: Folded, generation: int) -> None:
        folded.offset = records[-1].offset
        folded.watermark_ms = self._watermark_ms
        touched, passed = self._cells.add(self._tally.cells(), self._watermark_ms)
        folded.cells = {cell: dict(total) for cell, total in touched.items()}
        self._tally.clear()
        folded.expired = passed + self._cells.expire(self._watermark_ms)
        lists, folded.forgotten = self._keeping.clear(self._watermark_ms, folded.offset)
        marker = Marker(VERSION, folded.offset, self._watermark_ms, generation, records[0].offset, len(records))
        self.state.put(MARKER, marker)
        folded.changes = {MARKER: marker.encode(), **self.state.changes(), **lists}
        for segment in self.segments.new:
            folded.changes[_SEGMENT + _encode(segment)] = b""

    def _touchpoint(self, event: Touchpoint, horizon_ms: int, folded: Folded) -> Refusal | None:
        time_ms = event.time_ms
        if time_ms < self._late_ms or time_ms > horizon_ms:
            refusal = self._untimely(time_ms, horizon_ms)
            if refusal is not None:
                return refusal
            folded.late += 1
        key = CUSTOMER + event.customer.encode()
        customer = self._customer(key, event)
        if customer is None:
            folded.duplicates += 1
            return None
        if time_ms >= self._reach_ms:
            self._reach(time_ms)
        elif time_ms > self._watermark_ms:
            self._watermark_ms = time_ms
            self._late_ms = time_ms - MINUTE_MS
        if customer.touched_ms < self._keeping.stretch_ms:
            self._keeping.enlist(key)
        customer.touched_ms = self._watermark_ms
        values = self._values(event)
        arrival = self._arrivals[type(event)].get(values) or self._arrival(event, values)
        folded.events[arrival.kind] += 1
        self._tally.add(arrival.codes, time_ms, self._watermark_ms)
        if event.by_customer:
            self._activity(customer, arrival, time_ms)
        if event.ticket is not None:
            self._ticket(event, values)
        if type(event) is SurveyAnswered:
            self._survey(event, values)
        return None

    def _customer(self, key: bytes, event: Touchpoint) -> Customer | None:
        """The customer, to be changed; None where the event is known."""
        customer = self.state.change(key, Customer.decode, Customer)
        now_ms = max(self._watermark_ms, event.time_ms)
        if customer.touched_ms < now_ms - self._customer_kept_ms:
            customer.forget()
        return None if customer.is_repeat(event.id, self._recent_ids) else customer

    def _arrival(self, event: Touchpoint, values: Values) -> _Arrival:
        """What the arrival of such a touchpoint counts as; kept for the next like it."""
        known = self._arrivals[type(event)]
        if len(known) > _ARRIVALS:
            known.clear()
        tag = str(event.__struct_config__.tag)
        coder = self._coders.get(tag)
        if coder is None:
            coder = self._coders[tag] = self._tally.coder(counted(Arrived(tag)))
        segments = self.segments.numbers(values)
        codes = tuple(coder[segment] for segment in segments)
        found = known[values] = _Arrival(tag, segments, self._place(segments), codes)
        return found

    def _place(self, segments: tuple[int, ...]) -> int:
        """A number for these segments, that no others ever get."""
        if len(self._places) > _ARRIVALS:
            self._places.clear()
        return self._places.setdefault(segments, next(self._next_place))

    def _untimely(self, time_ms: int, horizon_ms: int) -> Refusal | None:
        """Why a touchpoint of that time is refused; None where it is merely late."""
        if time_ms < EARLIEST_MS:
            return Reason.TOO_OLD, f"time {time_ms} is before 1990"
        if time_ms > horizon_ms:
            return Reason.FUTURE, f"time {time_ms} is {time_ms - horizon_ms} ms beyond what may be ahead of the clock"
        day_end_ms = self._calendar.day_end_ms(self._calendar.day_start_ms(time_ms))
        if day_end_ms <= self._watermark_ms - self._kept_ms:
            return Reason.LATE, f"time {time_ms} is beyond retention at watermark {self._watermark_ms}"
        return None

    def _activity(self, customer: Customer, arrival: _Arrival, time_ms: int) -> None:
        """The customer did something: count the day, once for each segment."""
        if not self._day_ms[0] <= time_ms < self._day_ms[1]:
            midnight_ms = self._calendar.day_start_ms(time_ms)
            self._day_ms = (midnight_ms, self._calendar.day_end_ms(midnight_ms))
            self._day = self._calendar.day_number(midnight_ms)
        if customer.day != self._day:
            customer.day, customer.today = self._day, {}
        first_ms = customer.today.get(arrival.place)
        if first_ms is not None and first_ms <= time_ms:
            return
        customer.today[arrival.place] = time_ms
        day, days, keys, new = self._day, customer.activity, self.segments.keys, []
        for number in arrival.segments:
            known = days.get(keys[number])
            if known is None:
                days[keys[number]] = activity.started(day, time_ms)
                new.append(self._first[number])
                continue
            if day - known.first_day > self._kept_days:
                activity.forget(known, self._calendar.day_number(self._watermark_ms - self._kept_ms))
            for at_ms, fact in activity.seen(known, day, time_ms, self._midnight_ms):
                self._tally.count((number,), at_ms, self._watermark_ms, counted(fact))
        if new:
            self._tally.add(new, time_ms, self._watermark_ms)

    def _ticket(self, event: Touchpoint, values: Values) -> None:
        """Something happened to a ticket: what its resolution contributes may change."""
        key = TICKET + msgpack.encode((event.customer, event.ticket))
        ticket = self.state.get(key, tickets.decode)
        if ticket is None or ticket.touched_ms < self._watermark_ms - self.config.ticket_kept_ms:
            ticket = tickets.Ticket(values, event.time_ms)
        self.state.put(key, ticket)
        self._keeping.touch(key, ticket, self._watermark_ms)
        if not tickets.apply(ticket, event, values):
            return
        old, new = ticket.counted, tickets.resolution(ticket)
        if new == old:
            return
        if old is not None:
            taken_back = counted(replace(old.fact, sign=-1))
            self._tally.count(self.segments.numbers(old.values), old.time_ms, self._watermark_ms, taken_back)
        if new is not None:
            self._tally.count(self.segments.numbers(new.values), new.time_ms, self._watermark_ms, counted(new.fact))
        ticket.counted = new

    def _survey(self, event: SurveyAnswered, values: Values) -> None:
        """An answer: the latest of a customer to a survey counts, and takes the place of the one before."""
        key = ANSWER + msgpack.encode((event.customer, event.survey, event.kind))
        old = self.state.get(key, answers.decode)
        new = answers.answer(event, values)
        if old is not None and old.touched_ms >= self._watermark_ms - self.config.answer_kept_ms:
            if not answers.replaces(new, old):
                self.state.put(key, old)
                self._keeping.touch(key, old, self._watermark_ms)
                return
            new.touched_ms = old.touched_ms
            taken_back = replace(old.counted, sign=-1)
            self._tally.count(self.segments.numbers(old.values), old.time_ms, self._watermark_ms, counted(taken_back))
        self.state.put(key, new)
        self._keeping.touch(key, new, self._watermark_ms)
        self._tally.count(self.segments.numbers(values), event.time_ms, self._watermark_ms, counted(new.counted))

    def _midnight_ms(self, day: int) -> int:
        return self._calendar.day_number_start_ms(day)
