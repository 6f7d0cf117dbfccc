"""A partition's current counters for every cell that is kept."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

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
_encode_counters = msgpack.Encoder(order="deterministic").encode
_decode_counters = msgpack.Decoder(Counters).decode
_decode_id = msgpack.Decoder(tuple[Segment, int, int]).decode


class Totals:
    """Counters of one cell, as they are stored and sent. What changes them is ``add``."""

    __slots__ = ("_encoded", "counters")

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self._encoded: bytes | None = None

    def add(self, delta: Counters) -> None:
        """Add to the counters."""
        self._encoded = None
        add(self.counters, delta)

    def encode(self) -> bytes:
        """Equal counters have equal bytes."""
        if self._encoded is None:
            self._encoded = _encode_counters(self.counters)
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

    def ids(self) -> Iterator[CellId]:
        """Every cell that is kept."""
        for starts in self._starts.values():
            for keys in starts.values():
                yield from (_decode_id(key[len(PREFIX) :]) for key in keys)

    def get(self, cell: CellId) -> Totals | None:
        """What has been counted in a cell."""
        return self._state.get(PREFIX + _encode(cell), Totals.decode)

    def add(
        self, deltas: Mapping[CellId, Counters], watermark_ms: int, kept: Container[CellId] = ()
    ) -> tuple[dict[CellId, Totals], set[CellId]]:
        """Add to the cells; those touched, and which of them are over already.

        A slice that came and went within one batch is told of, but never stored, unless it is to be ``kept``.
        """
        touched: dict[CellId, Totals] = {}
        passed: set[CellId] = set()
        for cell, delta in deltas.items():
            key = PREFIX + _encode(cell)
            totals = self._state.get(key, Totals.decode)
            if totals is None:
                if cell not in kept and self._is_over(cell[1], cell[2], watermark_ms):
                    touched[cell] = Totals(delta)
                    passed.add(cell)
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

    def expire(self, watermark_ms: int, holds: Callable[[CellId], bool] = lambda _: False) -> list[CellId]:
        """Drop the cells whose slice ended longer ago than it is kept, and name them; but for those of a slice that
        somebody still ``holds``.

        Some at a time: after a silence all of a day may be over at once, which would not fit into one batch of state.
        The rest goes with the next batches; nothing is counted in it any more.
        """
        gone: list[CellId] = []
        for resolution_ms, starts in self._starts.items():
            for start_ms in [start_ms for start_ms in starts if self._is_over(resolution_ms, start_ms, watermark_ms)]:
                if len(gone) >= _MOST_EXPIRED:
                    return gone
                keys = {key: _decode_id(key[len(PREFIX) :]) for key in starts[start_ms]}
                if any(map(holds, keys.values())):
                    continue
                self._ended.append((resolution_ms, start_ms))
                for key, cell in keys.items():
                    self._state.delete(key)
                    gone.append(cell)
        return gone
