"""What is kept of one customer: recent event ids, active days, the journey; and whose id this really is."""

from msgspec import Raw, Struct, msgpack
from xxhash import xxh3_64_digest

from stream.activity import Activity
from stream.journey import Journey, begun

_DIGEST_BYTES = 8
_encode = msgpack.Encoder().encode
_decode_activity = msgpack.Decoder(dict[str, Activity]).decode
_decode_journey = msgpack.Decoder(Journey | None).decode
_INACTIVE = Raw(_encode({}))
_NOWHERE = Raw(_encode(None))


class Stored(Struct, array_like=True):
    """How a customer is stored; before there was a version 4, without the journey, before 5 without other ids."""

    recent: bytes
    touched_ms: int
    activity: Raw
    journey: Raw = _NOWHERE
    joined: str | None = None
    same: tuple[str, ...] = ()


_decode = msgpack.Decoder(Stored).decode


def digest(event_id: str) -> bytes:
    """What is remembered of an event id."""
    return xxh3_64_digest(event_id.encode())


class Customer:
    """One customer.

    ``recent`` is the last event ids as digests of 8 bytes, the oldest first. ``touched_ms`` is the watermark
    when the last touchpoint came. ``joined`` is the id by which this customer is known; None where it is this one, and
    ``same`` are ids that are known by this one although they were to be its name.
    ``today`` is a memory of what needs no second look (not stored): the earliest moment on ``day``, by a number that
    stands for the segments.
    """

    __slots__ = (
        *("_activity", "_encoded", "_journey", "_travelled"),
        *("day", "joined", "recent", "same", "today", "touched_ms"),
    )

    def __init__(
        self, recent: bytes = b"", touched_ms: int = 0, encoded: Raw = _INACTIVE, travelled: Raw = _NOWHERE
    ) -> None:
        self.recent = recent
        self.touched_ms = touched_ms
        self.joined: str | None = None
        self.same: tuple[str, ...] = ()
        self.day = 0
        self.today: dict[int, int] = {}
        # Most touchpoints of a day change nothing here, so it stays encoded until one does.
        self._encoded = encoded
        self._activity: dict[str, Activity] | None = None
        self._travelled: Raw | None = travelled
        self._journey: Journey | None = None

    @property
    def activity(self) -> dict[str, Activity]:
        """The active days by segment; may be changed in place."""
        if self._activity is None:
            self._activity = _decode_activity(self._encoded)
        return self._activity

    @property
    def journey(self) -> Journey | None:
        """The journey so far, if any; ``set_out`` says that it has changed."""
        if self._journey is None and self._travelled is not None:
            self._journey = _decode_journey(self._travelled)
        return self._journey

    def set_out(self) -> Journey:
        """The journey, to be changed in place; one that is just beginning where there was none."""
        journey = self._journey
        if journey is None:
            journey = self._journey = self.journey or begun()
        self._travelled = None
        return journey

    def forget(self) -> None:
        """Be as new."""
        self.recent, self.joined, self.same = b"", None, ()
        self.leave(None)

    def leave(self, into: str | None) -> None:
        """Be known by another id; what was kept is no longer here."""
        self.joined, self.day, self.today = into, 0, {}
        self._encoded, self._activity = _INACTIVE, None
        self._travelled, self._journey = _NOWHERE, None

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

    def unremember(self, event_digest: bytes) -> None:
        """Take an event id for a new one when it comes again."""
        ids = (self.recent[at : at + _DIGEST_BYTES] for at in range(0, len(self.recent), _DIGEST_BYTES))
        self.recent = b"".join(each for each in ids if each != event_digest)

    def encode(self) -> bytes:
        if self._activity is not None:
            self._encoded, self._activity = Raw(_encode(self._activity)), None
        if self._travelled is None:
            self._travelled = Raw(_encode(self._journey))
        if self.joined is None and not self.same:
            return _encode((self.recent, self.touched_ms, self._encoded, self._travelled))
        return _encode((self.recent, self.touched_ms, self._encoded, self._travelled, self.joined, self.same))

    @classmethod
    def decode(cls, data: bytes) -> "Customer":
        stored = _decode(data)
        customer = cls(stored.recent, stored.touched_ms, stored.activity.copy(), stored.journey.copy())
        customer.joined, customer.same = stored.joined, stored.same
        return customer
