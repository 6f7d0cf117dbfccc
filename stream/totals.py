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
_encode = msgpack.Encoder().encode
_decode_counters = msgpack.Decoder(Counters).decode
_decode_id = msgpack.Decoder(tuple[Segment, int, int]).decode


class Totals:
    """Counters of one cell, as they are stored."""

    __slots__ = ("counters",)

    def __init__(self, counters: Counters) -> None:
        self.counters = counters

    def encode(self) -> bytes:
        return _encode(self.counters)

    @classmethod
    def decode(cls, data: bytes) -> "Totals":
        return cls(_decode_counters(data))


class Cells:
    """The cells of one partition, in its state, with an index of what expires when."""

    def __init__(self, state: State, config: Config, keys: Iterable[bytes] = ()) -> None:
        self._state = state
        self._config = config
        self._starts: dict[int, dict[int, set[bytes]]] = {resolution_ms: {} for resolution_ms in RESOLUTIONS}
        for key in keys:
            _, resolution_ms, start_ms = _decode_id(key[len(PREFIX) :])
            self._starts[resolution_ms].setdefault(start_ms, set()).add(key)

    def add(self, deltas: dict[CellId, Counters]) -> dict[CellId, Counters]:
        """Add to the cells; the new totals of those touched."""
        touched: dict[CellId, Counters] = {}
        for cell, delta in deltas.items():
            key = PREFIX + _encode(cell)
            totals = self._state.get(key, Totals.decode)
            if totals is None:
                totals = Totals({})
                self._starts[cell[1]].setdefault(cell[2], set()).add(key)
            self._state.put(key, totals)
            add(totals.counters, delta)
            touched[cell] = totals.counters
        return touched

    def expire(self, watermark_ms: int) -> list[CellId]:
        """Drop the cells whose slice ended longer ago than it is kept, and name them."""
        gone: list[CellId] = []
        for resolution_ms, starts in self._starts.items():
            bound_ms = watermark_ms - self._config.retention_ms[resolution_ms]
            ended = [s for s in starts if self._config.calendar.slice_end_ms(resolution_ms, s) <= bound_ms]
            for start_ms in ended:
                for key in starts.pop(start_ms):
                    self._state.delete(key)
                    gone.append(_decode_id(key[len(PREFIX) :]))
        return gone
