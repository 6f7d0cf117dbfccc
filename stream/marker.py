"""What a state includes, as its first key says."""

from msgspec import Struct, msgpack

MARKER = b"m"
"""The key."""
_encode = msgpack.Encoder().encode


class Marker(Struct, array_like=True, frozen=True):
    """What a state includes: the source offset, the watermark, and who wrote it. First in every state batch.

    ``clock_ms`` is when that was by the clock (0: not known), ``reached_ms`` how far event time had come by itself.
    """

    version: int
    offset: int
    watermark_ms: int
    generation: int
    first_offset: int
    count: int
    clock_ms: int = 0
    reached_ms: int = 0

    def encode(self) -> bytes:
        return _encode(self)


decode_marker = msgpack.Decoder(Marker).decode
