"""What is kept of one customer: recent event ids and active days."""

from msgspec import Raw, msgpack
from xxhash import xxh3_64_digest

from stream.activity import Activity

_DIGEST_BYTES = 8
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(tuple[bytes, int, Raw]).decode
_decode_activity = msgpack.Decoder(dict[str, Activity]).decode
_INACTIVE = Raw(_encode({}))


def digest(event_id: str) -> bytes:
    """What is remembered of an event id."""
    return xxh3_64_digest(event_id.encode())


class Customer:
    """One customer.

    ``recent`` is the last event ids as digests of 8 bytes, the oldest first. ``touched_ms`` is the watermark
    when the last touchpoint came.
    ``today`` is a memory of what needs no second look (not stored): the earliest moment on ``day``, by a number that
    stands for the segments.
    """

    __slots__ = ("_activity", "_encoded", "day", "recent", "today", "touched_ms")

    def __init__(self, recent: bytes = b"", touched_ms: int = 0, encoded: Raw = _INACTIVE) -> None:
        self.recent = recent
        self.touched_ms = touched_ms
        self.day = 0
        self.today: dict[int, int] = {}
        # Most touchpoints of a day change nothing here, so it stays encoded until one does.
        self._encoded = encoded
        self._activity: dict[str, Activity] | None = None

    @property
    def activity(self) -> dict[str, Activity]:
        """The active days by segment; may be changed in place."""
        if self._activity is None:
            self._activity = _decode_activity(self._encoded)
        return self._activity

    def forget(self) -> None:
        """Be as new."""
        self.recent, self.day, self.today = b"", 0, {}
        self._encoded, self._activity = _INACTIVE, None

    def is_repeat(self, event_digest: bytes, remembered: int) -> bool:
        """True where this event id is among the last ``remembered``; remembers it otherwise."""
        recent = self.recent
        at = recent.find(event_digest)
        while at >= 0:
            if at % _DIGEST_BYTES == 0:
                return True
            at = recent.find(event_digest, at + 1)  # that one stood across two others
        recent += event_digest
        self.recent = recent if len(recent) <= remembered * _DIGEST_BYTES else recent[-remembered * _DIGEST_BYTES :]
        return False

    def encode(self) -> bytes:
        if self._activity is not None:
            self._encoded, self._activity = Raw(_encode(self._activity)), None
        return _encode((self.recent, self.touched_ms, self._encoded))

    @classmethod
    def decode(cls, data: bytes) -> "Customer":
        recent, touched_ms, activity = _decode(data)
        return cls(recent, touched_ms, activity.copy())
