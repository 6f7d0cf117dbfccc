"""A partition's current counters for every cell that is kept."""

from collections.abc import Iterable

from msgspec import msgpack

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters, add
from stream.slices import RESOLUTIONS
from stream.state import State
from stream.tally import CellId

PREFIX = b"k"
_MOST_EXPIRED = 20_000
_encode = msgpack.Encoder().encode
_decode_counters = msgpack.Decoder(Counters).decode
_decode_id = msgpack.Decoder(tuple[Segment, int, int]).decode


class Totals:
    """Counters of one cell, as they are stored and sent. What changes them is ``add``.

    They are in order of their names, so that equal counts have equal bytes, though encoding does not sort.
    """

    __slots__ = ("_encoded", "counters")

    def __init__(self, counters: Counters) -> None:
        self.counters = dict(sorted(counters.items()))
        self._encoded: bytes | None = None

    def add(self, delta: Counters) -> None:
        """Add to the counters."""
        self._encoded = None
        has_new = not delta.keys() <= self.counters.keys()
        add(self.counters, delta)
        if has_new:
            self.counters = {name: self.counters[name] for name in sorted(self.counters)}

    def encode(self) -> bytes:
        if self._encoded is None:
            self._encoded = _encode(self.counters)
        return self._encoded

    @classmethod
    def decode(cls, data: bytes) -> "Totals":
        return cls(_decode_counters(data))


class Cells:
    """The cells of one partition, in its state, with an index of what expires when."""

    def __init__(self, state: State, config: Config, keys: Iterable[bytes] = ()) -> None:
        self._state = state
        self._config = config
        self._ended: list[tuple[int, int]] = []
        self._starts: dict[int, dict[int, set[bytes]]] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        for key in keys:
            _, resolution_ms, start_ms = _decode_id(key[len(PREFIX) :])
            self._starts[resolution_ms].setdefault(start_ms, set()).add(key)

    def __len__(self) -> int:
        return sum(len(keys) for starts in self._starts.values() for keys in starts.values())

    def add(self, deltas: dict[CellId, Counters], watermark_ms: int) -> tuple[dict[CellId, Totals], list[CellId]]:
        """Add to the cells; those touched, and which of them are over already.

        A slice that came and went within one batch is told of, but never stored.
        """
        touched: dict[CellId, Totals] = {}
        passed: list[CellId] = []
        for cell, delta in deltas.items():
            key = PREFIX + _encode(cell)
            totals = self._state.get(key, Totals.decode)
            if totals is None:
                if self._is_over(cell[1], cell[2], watermark_ms):
                    touched[cell] = Totals(delta)
                    passed.append(cell)
                    continue
                totals = Totals({})
                self._starts[cell[1]].setdefault(cell[2], set()).add(key)
            self._state.put(key, totals)
            totals.add(delta)
            touched[cell] = totals
        return touched, passed

    def _is_over(self, resolution_ms: int, start_ms: int, watermark_ms: int) -> bool:
        end_ms = self._config.calendar.slice_end_ms(resolution_ms, start_ms)
        return end_ms <= watermark_ms - self._config.retention_ms[resolution_ms]

    def settle(self) -> None:
        """What expired is gone for good."""
        for resolution_ms, start_ms in self._ended:
            self._starts[resolution_ms].pop(start_ms, None)
        self._ended.clear()

    def rollback(self) -> None:
        """What expired may have to again."""
        self._ended.clear()

    def expire(self, watermark_ms: int) -> list[CellId]:
        """Drop the cells whose slice ended longer ago than it is kept, and name them.

        Some at a time: after a silence all of a day may be over at once, which would not fit into one batch of state.
        The rest goes with the next batches; nothing is counted in it any more.
        """
        gone: list[CellId] = []
        for resolution_ms, starts in self._starts.items():
            for start_ms in [start_ms for start_ms in starts if self._is_over(resolution_ms, start_ms, watermark_ms)]:
                if len(gone) >= _MOST_EXPIRED:
                    return gone
                self._ended.append((resolution_ms, start_ms))
                for key in starts[start_ms]:
                    self._state.delete(key)
                    gone.append(_decode_id(key[len(PREFIX) :]))
        return gone
