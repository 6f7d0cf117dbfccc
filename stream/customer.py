"""What is kept of one customer: recent event ids and active days."""

from functools import lru_cache
from hashlib import blake2b

import orjson
from msgspec import Struct, msgpack

from schemas.cell import Segment
from stream.activity import Activity

_DIGEST_BYTES = 8


class _Record(Struct, array_like=True):
    recent: bytes
    last_ms: int
    activity: dict[str, Activity]


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(_Record).decode


class Customer:
    """One customer.

    ``recent`` is the last event ids as digests of 8 bytes, the oldest first. ``last_ms`` is the latest event time.
    ``activity`` has the active days by segment. ``today`` is a memory of what needs no second look (not stored): the
    earliest moment by the numbers of the segments, on ``day``.
    """

    __slots__ = ("activity", "day", "last_ms", "recent", "today")

    def __init__(self, recent: bytes = b"", last_ms: int = 0, activity: dict[str, Activity] | None = None) -> None:
        self.recent = recent
        self.last_ms = last_ms
        self.activity = activity if activity is not None else {}
        self.day = 0
        self.today: dict[tuple[int, ...], int] = {}

    def is_repeat(self, event_id: str, remembered: int) -> bool:
        """True where this event id is among the last ``remembered``; remembers it otherwise."""
        digest = blake2b(event_id.encode(), digest_size=_DIGEST_BYTES).digest()
        recent = self.recent
        at = recent.find(digest)
        while at >= 0:
            if at % _DIGEST_BYTES == 0:
                return True
            at = recent.find(digest, at + 1)
        self.recent = (recent + digest)[-remembered * _DIGEST_BYTES :]
        return False

    def encode(self) -> bytes:
        return _encode((self.recent, self.last_ms, self.activity))

    @classmethod
    def decode(cls, data: bytes) -> "Customer":
        record = _decode(data)
        return cls(record.recent, record.last_ms, record.activity)


@lru_cache(maxsize=65_536)
def segment_key(segment: Segment) -> str:
    """A segment as a key of ``activity``."""
    return orjson.dumps(segment).decode()
