"""A partition's counters for one segment and one slice of time: what travels between the two agents.

A cell on the topic is an upsert: the partition's *current total*, never a difference, so that sending it twice
changes nothing. ``offset`` is the source offset it includes; a reader ignores an older one.

A slice that goes on is ``open``: what was counted in the finer ones that it consists of is in these alone, and whoever
wants all of it adds them. So is one of which there is no cell.
"""

from msgspec import Raw, Struct, msgpack

Segment = tuple[tuple[str, str], ...]
"""Dimension and value pairs in the configured order; the empty one is the total."""

Counters = dict[str, int]
"""Counter name → signed count."""


_deterministic = msgpack.Encoder(order="deterministic").encode


class CellKey(Struct, frozen=True, array_like=True):
    """``resolution_ms`` is the nominal length of the slice (a day is 86,400,000 whatever the clocks do)."""

    segment: Segment
    resolution_ms: int
    start_ms: int
    partition: int


class Cell(Struct, frozen=True, array_like=True):
    """Current counters, the source offset they include, and the generation of the worker that counted them."""

    counters: Counters
    offset: int
    generation: int = 0
    open: bool = False

    def encode(self) -> bytes:
        """Bytes that equal counters have in common."""
        return _deterministic(self)

    def is_behind(self, known: "Cell") -> bool:
        """Whether what is ``known`` of the same slice is later: it includes more, or its slice is over already.

        What is over is never open again; ``Rollup`` sees to that, as watermarks do not go back. But a worker that has
        lost its partition, and does not know, may read on where event time has not come as far.

        >>> over = Cell({}, 7)
        >>> over.is_behind(Cell({}, 8)), over.is_behind(over), Cell({}, 8, open=True).is_behind(over)
        (True, False, True)
        """
        is_over_already = self.open and not known.open
        return is_over_already or (self.offset, self.generation) < (known.offset, known.generation)


def encode_cell(counters: bytes, offset: int, generation: int, is_open: bool = False) -> bytes:
    """A ``Cell`` of counters that are encoded already, in the same bytes as its own ``encode``.

    >>> encode_cell(_deterministic({"a": 1}), 7, 2) == Cell({"a": 1}, 7, 2).encode()
    True
    """
    return encode((Raw(counters), offset, generation, is_open))


class WatermarkKey(Struct, frozen=True, array_like=True, tag="w"):
    """Key of a source partition's watermark."""

    partition: int


class Watermark(Struct, frozen=True, array_like=True):
    """The latest event time seen in a source partition, and the source offset that it includes."""

    time_ms: int
    offset: int

    def encode(self) -> bytes:
        """As it is sent and stored."""
        return _deterministic(self)


encode = msgpack.encode
decode_cell_key = msgpack.Decoder(CellKey).decode
decode_cell = msgpack.Decoder(Cell).decode
decode_watermark_key = msgpack.Decoder(WatermarkKey).decode
decode_watermark = msgpack.Decoder(Watermark).decode

WATERMARK_HEAD = msgpack.encode(WatermarkKey(0))[:2]
"""How the bytes of a watermark's key begin; a cell's key never does."""
