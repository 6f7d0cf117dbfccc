"""What a customer turned to us for: the tickets on one topic, and whether a resolution at first contact stood."""

from bisect import bisect_right, insort

from msgspec import Struct, msgpack

from stream.cases.case import Contribution, Contributions, KindOf, Timed, Told
from stream.config import Config
from stream.facts import Confirmed, OnTopic
from stream.segments import Values

_TICKETS = 32
"""Tickets on one topic that are looked at, and more while it is still open whether their resolutions stand."""
_MOST_TICKETS = 256


class Entry(Struct, array_like=True, frozen=True):
    """A ticket, as ``OnTopic`` says, which counts in the segments of ``values``."""

    opened_ms: int
    resolved_ms: int | None
    first: bool
    values: Values


class Topic(Timed):
    """State of one topic: the customer's tickets in order of what happened to them last."""

    tickets: list[Entry]

    def encode(self) -> bytes:
        return _encode(self)


class TopicKind(KindOf[Told, Topic]):
    """Topics, by their names. Tickets tell of them; those without a topic stand alone."""

    title = "topic"
    prefix = b"n"
    facts = (OnTopic,)
    timed = True

    def __init__(self, config: Config) -> None:
        self._confirm_ms = config.confirm_ms

    def name(self, event: Told) -> tuple[str, ...] | None:
        return (event.fact.topic,) if isinstance(event.fact, OnTopic) else None

    def begin(self, event: Told, values: Values) -> Topic:
        return Topic(0, (), 0, [])

    def take(self, case: Topic, event: Told, values: Values) -> Contributions | None:
        fact = event.fact
        if not isinstance(fact, OnTopic):
            return None
        entry = Entry(fact.opened_ms, fact.resolved_ms, fact.first, values)
        if fact.sign > 0:
            insort(case.tickets, entry, key=_last_ms)
            while len(case.tickets) > _TICKETS and self._settle(case):
                pass
        elif entry in case.tickets:
            case.tickets.remove(entry)
        else:
            return None
        return self.counted(case)

    def counted(self, case: Topic) -> Contributions:
        """Each resolution, once no other ticket on the topic may unmake it."""
        openings_ms = sorted(entry.opened_ms for entry in case.tickets)
        return tuple(
            self._judged(entry, entry.resolved_ms, openings_ms)
            for entry in case.tickets
            if entry.resolved_ms is not None
        )

    def _judged(self, entry: Entry, resolved_ms: int, openings_ms: list[int]) -> Contribution:
        """A resolution stands where no ticket was opened after it, up to the end of its period; its own is no other."""
        end_ms = resolved_ms + self._confirm_ms
        again = bisect_right(openings_ms, end_ms) - bisect_right(openings_ms, resolved_ms)
        again -= resolved_ms < entry.opened_ms <= end_ms
        return Contribution(end_ms, entry.values, Confirmed(entry.first and not again))

    def _settle(self, case: Topic) -> bool:
        """The earliest ticket stays counted as it is, whatever comes. False where it has not been counted yet."""
        first, *_ = case.tickets
        if first.resolved_ms is not None:
            judged = self._judged(first, first.resolved_ms, sorted(entry.opened_ms for entry in case.tickets))
            if judged not in case.counted and len(case.tickets) <= _MOST_TICKETS:
                return False
            case.settle((judged,))
        del case.tickets[0]
        return True

    @staticmethod
    def decode(data: bytes) -> Topic:
        return _decode(data)


def _last_ms(entry: Entry) -> int:
    return max(entry.opened_ms, entry.resolved_ms or 0)


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Topic).decode
