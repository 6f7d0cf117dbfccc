"""What one batch adds to the counters, gathered in the finest slices that count it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters
from stream.facts import Fact
from stream.metrics import counted
from stream.segments import Segments, Values
from stream.slices import DAY_MS, RESOLUTIONS, TEN_SECONDS_MS

_DAY = len(RESOLUTIONS) - 1
_MOST_VALUES = 10_000
"""Different values whose codes are remembered for a fact."""
CellId = tuple[Segment, int, int]
"""Segment, resolution and start of a slice, both in milliseconds."""
Moves = tuple[tuple[str, int], ...]
"""Counters and by how much they move."""
BySegment = dict[int, Counters]
"""Counters by the number of the segment."""


class Counting(Protocol):
    """Counts facts in all segments of their values.

    Between ``turn_to`` and ``turn_back``, they are of a customer who is not the one at hand.
    """

    def turn_to(self, customer: str) -> None: ...
    def turn_back(self) -> None: ...
    def count(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None: ...
    def count_day(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None: ...


class Coder(dict[int, int]):
    """Codes by segment: each stands for certain moves in that segment, and is given when it is first asked for."""

    def __init__(self, moves: Moves, by_code: list[tuple[int, Moves]]) -> None:
        super().__init__()
        self._moves = moves
        self._by_code = by_code

    def __missing__(self, segment: int) -> int:
        code = self[segment] = len(self._by_code)
        self._by_code.append((segment, self._moves))
        return code


class Tally:
    """Counters by finest slice and segment, the latter by its number.

    A fact is counted in every resolution whose slice is still kept at the watermark of its arrival. That depends on the
    order of the events alone, never on how they fell into batches. What repeats is counted by codes: a code stands for
    a segment and what moves there, and lists of codes are counted at once.
    """

    def __init__(self, config: Config, segments: Segments) -> None:
        self._config = config
        self._calendar = config.calendar
        self._segments = segments
        self._finest_kept_ms = config.retention_ms[TEN_SECONDS_MS]
        self._day_kept_ms = config.retention_ms[DAY_MS]
        self._by_code: list[tuple[int, Moves]] = []
        self._coders: dict[Moves, Coder] = {}
        self._codes: dict[Fact, dict[Values, Sequence[int]]] = {}
        # By resolution from the finest on, which is that of the slices still kept, and beyond the last; by slice.
        self._coded: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in (*RESOLUTIONS, None)]
        self._counted: list[defaultdict[int, BySegment]] = [defaultdict(dict) for _ in (*RESOLUTIONS, None)]

    def coder(self, fact: Fact) -> Coder:
        """The codes for what a fact moves, the same for all that move the same. There are to be few different ones."""
        moves = counted(fact)
        coder = self._coders.get(moves)
        if coder is None:
            coder = self._coders[moves] = Coder(moves, self._by_code)
        return coder

    def codes(self, fact: Fact, values: Values) -> Sequence[int]:
        """The codes of a fact in all segments of these values, of which there are few different ones too."""
        by_values = self._codes.get(fact)
        if by_values is None:
            by_values = self._codes[fact] = {}
        codes = by_values.get(values)
        if codes is None:
            if len(by_values) > _MOST_VALUES:
                by_values.clear()
            coder = self.coder(fact)
            codes = by_values[values] = tuple(coder[segment] for segment in self._segments.numbers(values))
        return codes

    def add(self, codes: Sequence[int], time_ms: int, watermark_ms: int) -> None:
        """Count what these codes stand for."""
        level = 0 if watermark_ms - time_ms < self._finest_kept_ms else self._level(time_ms, watermark_ms)
        self._coded[level][time_ms // TEN_SECONDS_MS].extend(codes)

    def turn_to(self, customer: str) -> None:
        """Whose fact it is makes no difference here."""

    def turn_back(self) -> None:
        """Nor here."""

    def count(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None:
        """Count a fact in all segments of these values."""
        self.count_in(self._segments.numbers(values), fact, time_ms, watermark_ms)

    def count_day(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None:
        """Count a fact in days alone: one that would make cells large, and that nobody asks for by the minute."""
        moves, day_ms = counted(fact), self._calendar.day_start_ms(time_ms)
        by_segment = self._counted[self._day_level(day_ms, watermark_ms)][day_ms // TEN_SECONDS_MS]
        for segment in self._segments.numbers(values):
            _move(by_segment, segment, moves, 1)

    def add_day(self, codes: Iterable[int], day_ms: int, watermark_ms: int) -> None:
        """Count what these codes stand for in the day that begins then, and in no finer slice."""
        self._coded[self._day_level(day_ms, watermark_ms)][day_ms // TEN_SECONDS_MS].extend(codes)

    def _day_level(self, day_ms: int, watermark_ms: int) -> int:
        if watermark_ms - day_ms < self._day_kept_ms:
            return _DAY
        return max(_DAY, self._level(day_ms, watermark_ms))

    def count_in(self, segments: Sequence[int], fact: Fact, time_ms: int, watermark_ms: int) -> None:
        """Count a fact in these segments, given by their numbers."""
        moves = counted(fact)
        level = 0 if watermark_ms - time_ms < self._finest_kept_ms else self._level(time_ms, watermark_ms)
        by_segment = self._counted[level][time_ms // TEN_SECONDS_MS]
        for segment in segments:
            _move(by_segment, segment, moves, 1)

    def cells(self) -> dict[CellId, Counters]:
        """Everything counted, by cell: each fact in the finest one that counts it, of those that it is in."""
        cells: dict[CellId, Counters] = {}
        for level, resolution_ms in enumerate(RESOLUTIONS):
            gathered: dict[int, BySegment] = {}
            for start_ms, by_segment in self._gathered(level):
                start_ms = self._calendar.slice_start_ms(resolution_ms, start_ms)
                _add_up(gathered.setdefault(start_ms, {}), by_segment)
            for start_ms, by_segment in gathered.items():
                for segment, counters in by_segment.items():
                    cells[self._segments.segment(segment), resolution_ms, start_ms] = counters
        return cells

    def _gathered(self, level: int) -> Iterator[tuple[int, BySegment]]:
        """What was counted from one resolution on, by the start of the finest slice."""
        for number, codes in self._coded[level].items():
            by_segment: BySegment = {}
            for code, times in Counter(codes).items():
                _move(by_segment, *self._by_code[code], times)
            yield number * TEN_SECONDS_MS, by_segment
        for number, by_segment in self._counted[level].items():
            yield number * TEN_SECONDS_MS, by_segment

    def clear(self) -> None:
        """Begin the next batch."""
        for codes in self._coded:
            codes.clear()
        for counters in self._counted:
            counters.clear()

    def _level(self, time_ms: int, watermark_ms: int) -> int:
        """How many of the finest resolutions no longer keep the slice of ``time_ms``."""
        for level, resolution_ms in enumerate(RESOLUTIONS):
            start_ms = self._calendar.slice_start_ms(resolution_ms, time_ms)
            end_ms = self._calendar.slice_end_ms(resolution_ms, start_ms)
            if end_ms > watermark_ms - self._config.retention_ms[resolution_ms]:
                return level
        return len(RESOLUTIONS)


def _move(by_segment: BySegment, segment: int, moves: Moves, times: int) -> None:
    """Move counters of a segment so many times."""
    counters = by_segment.get(segment)
    if counters is None:
        counters = by_segment[segment] = {}
    for name, by in moves:
        counters[name] = counters.get(name, 0) + by * times


def _add_up(into: BySegment, by_segment: BySegment) -> None:
    """Add without looking for zeros: on the way to the totals these do no harm."""
    for segment, counters in by_segment.items():
        total = into.get(segment)
        if total is None:
            into[segment] = counters.copy()
            continue
        for name, by in counters.items():
            total[name] = total.get(name, 0) + by
