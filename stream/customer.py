"""What is kept of one customer: recent event ids, active days, the journey; and whose id this really is."""

from msgspec import Raw, Struct, msgpack
from xxhash import xxh3_64_digest

from stream.activity import Activity
from stream.journey import Journey, begun
from stream.personas import Profile

_DIGEST_BYTES = 8
_encode = msgpack.Encoder().encode
_decode_activity = msgpack.Decoder(dict[str, Activity]).decode
_decode_journey = msgpack.Decoder(Journey | None).decode
_INACTIVE = Raw(_encode({}))
_decode_profile = msgpack.Decoder(Profile).decode
_NOWHERE = Raw(_encode(None))
_UNKNOWN = Raw(b"")


class Stored(Struct, array_like=True):
    """How a customer is stored: before there was a version 4 without the journey, before 5 without the rest."""

    recent: bytes
    touched_ms: int
    activity: Raw
    journey: Raw = _NOWHERE
    joined: str | None = None
    same: tuple[str, ...] = ()
    profile: Raw = _UNKNOWN


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
        *("_activity", "_encoded", "_journey", "_profile", "_profiled", "_travelled"),
        *("day", "joined", "recent", "same", "today", "touched_ms"),
    )

    def __init__(
        self,
        recent: bytes = b"",
        touched_ms: int = 0,
        encoded: Raw = _INACTIVE,
        travelled: Raw = _NOWHERE,
        profiled: Raw = _UNKNOWN,
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
        self._profiled: Raw | None = profiled
        self._profile: Profile | None = None

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

    @property
    def profile(self) -> Profile | None:
        """What is kept for personas, if anything; ``profiled`` says that it has changed."""
        if self._profile is None and self._profiled:
            self._profile = _decode_profile(self._profiled)
        return self._profile

    def profiled(self) -> Profile:
        """What is kept for personas, to be changed in place; that of somebody unknown where there was nothing."""
        profile = self._profile
        if profile is None:
            profile = self._profile = self.profile or Profile()
        self._profiled = None
        return profile

    def unprofiled(self) -> None:
        """Nothing is kept for personas."""
        self._profiled, self._profile = _UNKNOWN, None

    def forget(self) -> None:
        """Be as new."""
        self.recent, self.joined, self.same = b"", None, ()
        self.leave(None)

    def leave(self, into: str | None) -> None:
        """Be known by another id; what was kept is no longer here."""
        self.joined, self.day, self.today = into, 0, {}
        self._encoded, self._activity = _INACTIVE, None
        self._travelled, self._journey = _NOWHERE, None
        self.unprofiled()

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
        if self._profiled is None:
            self._profiled = Raw(_encode(self._profile))
        stored = self.recent, self.touched_ms, self._encoded, self._travelled
        if self.joined is not None or self.same or self._profiled:
            return _encode((*stored, self.joined, self.same, *([self._profiled] if self._profiled else ())))
        return _encode(stored)

    @classmethod
    def decode(cls, data: bytes) -> "Customer":
        stored = _decode(data)
        activity, journey, profile = stored.activity.copy(), stored.journey.copy(), stored.profile.copy()
        customer = cls(stored.recent, stored.touched_ms, activity, journey, profile)
        customer.joined, customer.same = stored.joined, stored.same
        return customer
