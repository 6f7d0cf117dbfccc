"""Marks: what is remembered of a customer's recent touchpoints, as far as some signal asks for it."""

from bisect import bisect_left

from msgspec import Struct

from stream.segments import Values

OPENED, REOPENED, RESOLVED, CLOSED, MERGED = "opened", "reopened", "resolved", "closed", "merged"
CHAT, CALL, MAIL, WROTE = "chat", "call", "mail", "wrote"
BOT, PERSON, TAKEN, REPLIED = "bot", "person", "taken", "replied"
HANDED, ENDED = "handed", "ended"
CES, CSAT, NPS = "ces", "csat", "nps"
CART, PAID, FAILED = "cart", "paid", "failed"
SENT, READ, SLOW, ERROR = "sent", "read", "slow", "error"
DAY, TRIAL, SUBSCRIBED, CANCELLED = "day", "trial", "subscribed", "cancelled"

MOST = 96
"""Marks of one customer, of all kinds together."""
_FEW = 4


class Mark(Struct, array_like=True, frozen=True, gc=False):
    """A touchpoint: when, which event, of what type, where, and in which segments.

    ``ticket`` is the one it names. What ``key``, ``number`` and ``note`` are depends on the kind: see ``markers``.
    """

    time_ms: int
    event: str
    type: str
    channel: str
    values: Values
    ticket: str | None = None
    key: str | None = None
    number: int = 0
    note: str | None = None


Marks = dict[str, list[Mark]]
"""Marks by kind, each kind in order of event time; of two at the same moment the one with the smaller id is first."""


def when(mark: Mark) -> tuple[int, str]:
    """What marks are in order of."""
    return mark.time_ms, mark.event


def put(marks: Marks, kind: str, mark: Mark) -> None:
    """Put a mark where it belongs. Beyond ``MOST``, one goes of the kind of which there are most.

    That is the first that says of the same what an earlier one says, so that a flood of one thing goes on to be known
    from its beginning to its end; where there is none, it is the oldest.
    """
    found = marks.setdefault(kind, [])
    if not found or when(found[-1]) < when(mark):
        found.append(mark)
    else:
        at = bisect_left(found, when(mark), key=when)
        if when(found[at]) == when(mark):
            return  # the same touchpoint, by another id of the same customer
        found.insert(at, mark)
    if len(found) > _FEW and sum(map(len, marks.values())) > MOST:
        _thin_out(max(marks.values(), key=len))


def _thin_out(found: list[Mark]) -> None:
    seen: set[tuple[str | None, str | None]] = set()
    for at, mark in enumerate(found):
        if (mark.key, mark.ticket) in seen:
            del found[at]
            return
        seen.add((mark.key, mark.ticket))
    del found[0]


def prune(marks: Marks, kind: str, since_ms: int) -> None:
    """Leave out marks of a kind that are not later than ``since_ms``."""
    found = marks.get(kind)
    if not found or found[0].time_ms > since_ms:
        return
    later = [mark for mark in found if mark.time_ms > since_ms]
    if later:
        marks[kind] = later
    else:
        del marks[kind]


def count(marks: Marks, kinds: tuple[str, ...]) -> int:
    """How many marks there are of several kinds."""
    number = 0
    for kind in kinds:
        if kind in marks:
            number += len(marks[kind])
    return number


def of_kinds(marks: Marks, kinds: tuple[str, ...]) -> list[Mark]:
    """The marks of several kinds, in one order."""
    found = [mark for kind in kinds for mark in marks.get(kind, ())]
    found.sort(key=when)
    return found
