"""The board: one partition of ``cells``, merged over the source partitions, read as metrics and watched by rules.

Pure: the clock is an argument. What must survive is handed over as changes; metrics and alerts follow from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import DecodeError, Struct, msgpack
from msgspec.structs import replace

from schemas.alert import MetricAlert
from schemas.cell import (
    WATERMARK_HEAD,
    Segment,
    Watermark,
    decode_cell,
    decode_cell_key,
    decode_watermark,
    decode_watermark_key,
)
from schemas.metric import Metric
from stream.config import Config
from stream.history import History
from stream.marker import MARKER, Marker, decode_marker
from stream.metrics import Reading, Value, read_one
from stream.parts import PREFIX as _CELL
from stream.parts import Parts
from stream.progress import Progress
from stream.readout import Readout
from stream.record import Record
from stream.rules import INACTIVE, Rule, decode_alert_state, step
from stream.slices import RESOLUTIONS, SECOND_MS, TEN_SECONDS_MS
from stream.state import Load, State
from stream.versions import VERSION, check
from stream.windows import known_window

_WATERMARK, _ALERT, _CLOCK = b"w", b"a", b"t"
_MOST_TICKS = 360
"""Ticks evaluated in one round. When catching up by more than an hour at once, rules see history in larger steps."""


class UnknownSliceError(ValueError):
    """A cell of a resolution that there is none of."""


class Clock(Struct, array_like=True, frozen=True):
    """The event time up to which rules were evaluated."""

    as_of_ms: int

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode_clock = msgpack.Decoder(Clock).decode


@dataclass(slots=True)
class _Look:
    """What rules on one segment and window last looked at."""

    start_ms: int
    end_ms: int
    version: int
    reading: Reading
    values: dict[str, Value | None] = field(default_factory=dict)


class Board:
    """One partition of cells. ``load`` reads its store, ``keys`` are those already in it.

    Raises:
        NewerStateError: the state was written by a later release.
    """

    def __init__(
        self, config: Config, rules: Sequence[Rule], load: Load, keys: Iterable[bytes] = (), clock_ms: int = 0
    ) -> None:
        self.config = config
        self.state = State(load, config.hot_bytes)
        self.history = History(config)
        self.progress = Progress()
        self.marker = self.state.get(MARKER, decode_marker) or Marker(VERSION, -1, 0, 0, -1, 0)
        check(self.marker.version, "cells")
        self._rules = tuple(rules)
        self._parts = Parts(config, self.state, self.history)
        self._looks: dict[tuple[Segment, str], _Look] = {}
        self._told: dict[bytes, tuple[MetricAlert, ...]] = {}
        self._mends: dict[bytes, bytes] = {}
        self._restore(keys, clock_ms)
        self.readout = Readout(config, self.history, is_continued=self.progress.as_of_ms > 0)

    def _restore(self, keys: Iterable[bytes], clock_ms: int) -> None:
        clock = self.state.get(_CLOCK, _decode_clock)
        if clock is not None:
            self.progress.as_of_ms = clock.as_of_ms
        for key in keys:
            if key.startswith(_CELL):
                part = self.state.get(key, decode_cell)
                assert part is not None, "the store names a key that it does not have"
                if not self._parts.take(decode_cell_key(key[1:]), None, part, self.progress.as_of_ms):
                    self.state.delete(key)
            elif key.startswith(_WATERMARK):
                watermark = self.state.get(key, decode_watermark)
                assert watermark is not None, "the store names a key that it does not have"
                self.progress.move(decode_watermark_key(key[1:]).partition, watermark.time_ms, clock_ms)

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        return len(self._parts)

    def merge(self, records: Sequence[Record], clock_ms: int, generation: int = 0) -> int:
        """Take in records of ``cells``: current totals, and watermarks. Older ones than known change nothing.

        Returns how many were neither, and left out.
        """
        fresh = [record for record in records if record.offset > self.marker.offset]
        malformed = 0
        for record in fresh:
            if record.key is not None and record.value is None:
                continue
            try:
                self._merge_record(record.key or b"", record.value or b"", clock_ms)
            except (DecodeError, UnknownSliceError):
                malformed += 1
        if fresh:
            first, last = fresh[0].offset, fresh[-1].offset
            self.marker = Marker(VERSION, last, self.progress.latest_ms, generation, first, len(fresh))
            self.state.put(MARKER, self.marker)
        return malformed

    def _merge_record(self, key: bytes, value: bytes, clock_ms: int) -> None:
        if key.startswith(WATERMARK_HEAD):
            self._merge_watermark(key, decode_watermark(value), clock_ms)
        else:
            self._merge_cell(key, value)

    def _merge_watermark(self, key: bytes, watermark: Watermark, clock_ms: int) -> None:
        known = self.state.get(_WATERMARK + key, decode_watermark)
        if known is not None and watermark.offset < known.offset:
            self._mends[key] = known.encode()
        elif known is None or watermark.offset > known.offset:
            self._mends.pop(key, None)
            self.state.put(_WATERMARK + key, watermark)
            self.progress.move(decode_watermark_key(key).partition, watermark.time_ms, clock_ms)

    def _merge_cell(self, cell_key: bytes, value: bytes) -> None:
        cell, where, key = decode_cell(value), decode_cell_key(cell_key), _CELL + cell_key
        known = self.state.get(key, decode_cell)
        if known is not None and (cell.offset, cell.generation) < (known.offset, known.generation):
            self._mends[cell_key] = known.encode()
            return
        self._mends.pop(cell_key, None)
        if where.resolution_ms not in RESOLUTIONS:
            raise UnknownSliceError(where.resolution_ms)
        if self._parts.take(where, known, cell, self.progress.as_of_ms):
            self.state.put(key, cell)

    def mends(self) -> list[tuple[bytes, bytes]]:
        """Records of ``cells`` after which an older one came, as from a worker that had lost its partition.

        To be sent again before what ``state`` has to hand over is durable: compaction keeps the last one of a key.
        """
        found = list(self._mends.items())
        self._mends.clear()
        return found

    def evaluate(self, clock_ms: int) -> list[MetricAlert]:
        """Let event time come up to date, expire slices, and put every rule to the test; the transitions, in order."""
        self._told.clear()
        before_ms = self.progress.as_of_ms
        now_ms = self.progress.advance(clock_ms)
        if now_ms == 0:
            return []
        alerts = [alert for tick_ms in _ticks(before_ms, now_ms) for alert in self._test(tick_ms, closed=True)]
        alerts += self._test(now_ms, closed=False)
        for segment in self._parts.expire(now_ms):
            self.readout.forget(segment)
        if self.state.is_changed or now_ms // SECOND_MS != before_ms // SECOND_MS:
            self.state.put(_CLOCK, Clock(now_ms))
        return alerts

    def _test(self, now_ms: int, closed: bool) -> Iterable[MetricAlert]:
        for rule in self._rules:
            key = _ALERT + rule.fingerprint.encode()
            state = self.state.get(key, decode_alert_state) or INACTIVE
            value = self._tested(rule, now_ms, closed)
            new, alert = step(rule, state, value, now_ms)
            if alert is not None:
                self._told[key] = (*self._told.get(key, ()), alert)
                new = replace(new, last=self._told[key])
                yield alert
            if new is not state:
                self.state.put(key, new)

    def _tested(self, rule: Rule, now_ms: int, closed: bool) -> Value | None:
        """The value that a rule is about. Rules on the same segment and window share what is read."""
        window = known_window(rule.window)
        start_ms, end_ms = window.covered(self.config.calendar, now_ms, closed)
        place, version = (rule.segment, rule.window), self.history.versions.get(rule.segment, 0)
        known = self._looks.get(place)
        if known is None or (known.start_ms, known.end_ms, known.version) != (start_ms, end_ms, version):
            before_ms = window.before_ms(self.config.calendar, start_ms)
            reading = self.history.read(rule.segment, start_ms, end_ms, window.by_day, before_ms)
            known = self._looks[place] = _Look(start_ms, end_ms, version, reading)
        if rule.metric not in known.values:
            known.values[rule.metric] = read_one(rule.metric, known.reading)
        return known.values[rule.metric]

    def standing(self) -> list[MetricAlert]:
        """The last transitions of every alert: sent again after a restart, for what a crash kept from being sent."""
        states = (self.state.get(_ALERT + rule.fingerprint.encode(), decode_alert_state) for rule in self._rules)
        return [alert for state in states if state is not None for alert in state.last]

    def metrics(self, segment: Segment) -> list[Metric]:
        """The metrics of a segment that have changed since this was last asked; one that lost its data has None."""
        return self.readout.changed(segment, self.progress.as_of_ms)


def _ticks(before_ms: int, now_ms: int) -> range:
    """Every 10 s after ``before_ms`` up to ``now_ms``; fewer where that would be too many, or the start is unknown."""
    if before_ms == 0:
        return range(0)
    first_ms = before_ms - before_ms % TEN_SECONDS_MS + TEN_SECONDS_MS
    step_ms = TEN_SECONDS_MS * (1 + max(0, now_ms - first_ms) // (TEN_SECONDS_MS * _MOST_TICKS))
    return range(first_ms, now_ms + 1, step_ms)
