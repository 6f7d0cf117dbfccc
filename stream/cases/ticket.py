"""A ticket's life, and what its resolution contributes.

A ticket's touchpoints are kept as steps in order of their times, so that one that arrives late changes what it would
have changed in time. ``base`` sums up the steps beyond the last ``_STEPS``.
"""

from bisect import bisect_right
from operator import attrgetter
from typing import Any

from msgspec import msgpack

from schemas.ticket import TicketMerged
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind
from stream.cases.life import CLOSED, OPENINGS, REOPENED, REPLIED, RESOLVED, TOLD, Life, Step, lived, step_of
from stream.facts import Opened, Replied, Resolved
from stream.segments import Values
from stream.versions import Shape

_STEPS = 64
"""Steps of one ticket that may still be put in order."""
_DECISIVE = {*OPENINGS, RESOLVED, CLOSED, REOPENED}
"""Steps that may change what the ticket counts as, also where they are the last; the others tell for a later one."""


class Ticket(Case):
    """State of one ticket. It counts in the segments of its earliest touchpoint (``values``, at ``first_ms``)."""

    values: Values
    first_ms: int
    steps: list[Step]
    base: Life | None = None
    merged: bool = False

    def encode(self) -> bytes:
        return _SHAPE.encode(_encode(self))


class TicketKind(Kind[Ticket]):
    """Tickets, by their ids. Any touchpoint may be about one."""

    title = "ticket"
    prefix = b"t"
    events = (Touchpoint,)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return None if event.ticket is None else (event.ticket,)

    def begin(self, event: Touchpoint, values: Values) -> Ticket:
        return Ticket(0, (), values, event.time_ms, [])

    def take(self, case: Ticket, event: Touchpoint, values: Values) -> Contributions:
        return _counted(case) if _apply(case, event, values) else case.counted

    @staticmethod
    def decode(data: bytes) -> Ticket:
        return _SHAPE.decode(data)


def _as_a_case(old: list[Any]) -> list[Any]:
    """Version 1 had what is counted, if anything, at its end, the fact by the names of its fields."""
    values, first_ms, touched_ms, steps, base, merged, counted = old
    if counted is None:
        return [touched_ms, [], values, first_ms, steps, base, merged]
    time_ms, of, fact = counted
    contribution = [time_ms, of, ["Resolved", fact["contacts"], fact["duration_ms"]]]
    return [touched_ms, [contribution], values, first_ms, steps, base, merged]


_encode = msgpack.Encoder().encode
_SHAPE = Shape(msgpack.Decoder(Ticket).decode, _as_a_case)
_time_ms = attrgetter("time_ms")


def _apply(ticket: Ticket, event: Touchpoint, values: Values) -> bool:
    """Let a touchpoint that names the ticket happen to it, in place; True where what it counts as may have changed.

    Of two at the same time the one that arrived first happened first.
    """
    if ticket.merged:
        return False
    changed = event.time_ms < ticket.first_ms and values != ticket.values
    if event.time_ms < ticket.first_ms:
        ticket.first_ms, ticket.values = event.time_ms, values
    if isinstance(event, TicketMerged):
        ticket.merged, ticket.steps, ticket.base = True, [], None
        return True
    step = step_of(event)
    if step is None:
        return changed
    return _put(ticket, step) or changed


def _put(ticket: Ticket, step: Step) -> bool:
    """Put a step in its place; True where what the ticket counts as may have changed."""
    steps = ticket.steps
    at = bisect_right(steps, step.time_ms, key=_time_ms)
    is_last = at == len(steps)
    steps.insert(at, step)
    if len(steps) > _STEPS:
        half = _STEPS // 2
        ticket.base = lived(ticket.base, steps[:half])
        del steps[:half]
    return not is_last or step.kind in _DECISIVE or (step.kind == REPLIED and _replies(ticket) <= TOLD)


def _replies(ticket: Ticket) -> int:
    earlier = 0 if ticket.base is None else ticket.base.replies
    return earlier + sum(step.kind == REPLIED for step in ticket.steps)


def _counted(ticket: Ticket) -> Contributions:
    """What the ticket counts as: its opening, first reply and resolution; nothing where it is merged into another."""
    if ticket.merged:
        return ()
    life = lived(ticket.base, ticket.steps)
    counted = []
    if life.opened_ms is not None:
        counted.append(Contribution(life.opened_ms, ticket.values, Opened()))
        replied_ms = life.replied_ms[life.by_us : life.by_us + 1]
        if replied_ms:
            counted.append(Contribution(replied_ms[0], ticket.values, Replied(replied_ms[0] - life.opened_ms)))
    if life.resolved_ms is not None:
        duration_ms = None if life.opened_ms is None else life.resolved_ms - life.opened_ms
        resolved = Resolved(life.held, duration_ms, life.reopenings, life.moves_held, life.messages_held)
        counted.append(Contribution(life.resolved_ms, ticket.values, resolved))
    return tuple(counted)
