"""The board: one partition of ``cells``, merged over the source partitions, read as metrics and watched by rules.

Pure: the clock is an argument. What must survive is handed over as changes; metrics and alerts follow from it.
"""

from collections.abc import Iterable, Sequence

from msgspec import DecodeError, Struct, msgpack

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
from stream.parts import PREFIX as _CELL
from stream.parts import Parts
from stream.progress import Progress
from stream.readout import Readout
from stream.record import Record
from stream.rules.numbering import NUMBERING
from stream.rules.rule import Rule
from stream.rules.usual import PREFIX as USUAL
from stream.rules.watch import ALERT, Watch
from stream.slices import RESOLUTIONS, SECOND_MS
from stream.state import Load, State
from stream.versions import VERSION, check

_WATERMARK, _CLOCK = b"w", b"t"
KINDS = (_CELL, _WATERMARK, ALERT, USUAL)
"""First bytes of the keys that a board is to be told of."""
_IN_TURN = {key: turn for turn, key in enumerate((_CELL, NUMBERING, ALERT, USUAL, _CLOCK, _WATERMARK, MARKER))}


class UnknownSliceError(ValueError):
    """A cell of a resolution that there is none of."""


class Clock(Struct, array_like=True, frozen=True):
    """The event time up to which rules were evaluated."""

    as_of_ms: int

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode_clock = msgpack.Decoder(Clock).decode


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
        self._parts = Parts(config, self.state, self.history)
        self._mends: dict[bytes, bytes] = {}
        watched = self._restore(keys, clock_ms)
        self.readout = Readout(config, self.history, is_continued=self.progress.as_of_ms > 0)
        self.watch = Watch(config, self.state, self.history, rules, watched, self.progress.as_of_ms)

    def _restore(self, keys: Iterable[bytes], clock_ms: int) -> list[bytes]:
        """Take in what is stored; the keys that are of no concern to the board."""
        others: list[bytes] = []
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
            else:
                others.append(key)
        return others

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
        if known is not None and cell.is_behind(known):
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
        before_ms = self.progress.as_of_ms
        now_ms = self.progress.advance(clock_ms)
        if now_ms == 0:
            return []
        alerts = self.watch.evaluate(before_ms, now_ms)
        for segment in self._parts.expire(now_ms):
            self.readout.forget(segment)
        if self.state.is_changed or now_ms // SECOND_MS != before_ms // SECOND_MS:
            self.state.put(_CLOCK, Clock(now_ms))
        return alerts

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """What is to be made durable, in this order, in one batch or several; ``state.settle`` follows.

        Wherever a crash ends it, the same is told in the end:

        - Cells, before anything says that they are included: the marker, and how far event time has come. What was not
          written is read again.
        - Where alerts stand, before the clock, so that no moment is left out; an alert that was written is not put to
          the test again at moments up to its last transition. The numbers of those that were forgotten come before.
        - Cells that go come last, as others have what was in them. One that is left is found at the next start.
        """
        return sorted(self.state.changes().items(), key=_turn)

    def metrics(self, segment: Segment) -> list[Metric]:
        """The metrics of a segment that have changed since this was last asked; one that lost its data has None."""
        return self.readout.changed(segment, self.progress.as_of_ms)


def _turn(pair: tuple[bytes, bytes | None]) -> int:
    key, value = pair
    head = key[:1]
    return len(_IN_TURN) if value is None and head == _CELL else _IN_TURN[head]
