"""What a state includes, as its first key says."""

from msgspec import Struct, msgpack

MARKER = b"m"
"""The key."""
_encode = msgpack.Encoder().encode


class Marker(Struct, array_like=True, frozen=True):
    """What a state includes: the source offset, the watermark, and who wrote it. First in every state batch."""

    version: int
    offset: int
    watermark_ms: int
    generation: int
    first_offset: int
    count: int

    def encode(self) -> bytes:
        return _encode(self)


decode_marker = msgpack.Decoder(Marker).decode
