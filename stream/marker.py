"""What a state includes, as its first key says."""

from msgspec import Struct, msgpack

MARKER = b"m"
"""The key."""
_encode = msgpack.Encoder().encode


class Marker(Struct, array_like=True, frozen=True):
    """What a state includes: the source offset, the watermark, and who wrote it. First in every state batch.

    ``reached_ms`` is how far event time had come by itself, beyond the watermark, and ``clock_ms`` when by the clock it
    had come to the later of both (0: not known).
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
