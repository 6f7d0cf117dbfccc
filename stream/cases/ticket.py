"""A ticket's life, and what it counts as.

A ticket's touchpoints are kept as steps in order of their times, so that one that arrives late changes what it would
have changed in time. ``base`` sums up the steps beyond the last ``_STEPS``.

What has a target counts as in time where it happened, or else as breached where the target had passed; a resolution
is confirmed by the customer's tickets on the same topic, or, without a topic, by the ticket itself.
"""

from bisect import bisect_right
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import msgpack

from schemas.ticket import TicketMerged, TicketOpened
from schemas.touchpoint import Touchpoint
from stream.cases.case import Contribution, Contributions, Kind, Timed
from stream.cases.life import CLOSED, OPENINGS, REOPENED, REPLIED, RESOLVED, Life, Step, lived, step_of
from stream.config import NORMAL, Config
from stream.facts import Breached, Confirmed, Contact, LeftBacklog, OnTopic, Opened, Replied, Resolved
from stream.schedule import Schedule
from stream.segments import Values
from stream.versions import Shape

_STEPS = 64
"""Steps of one ticket that may still be put in order."""
_DECISIVE = {*OPENINGS, RESOLVED, CLOSED, REOPENED}
"""Steps that may change what the ticket counts as, also where they are the last; the others tell for a later one."""


class Opening(NamedTuple):
    """The earliest opening of a ticket: when, by which event, and what that says of it."""

    time_ms: int
    event: str
    topic: str | None
    priority: str


class Ticket(Timed):
    """State of one ticket. It counts in the segments of its earliest touchpoint (``values``, at ``first_ms``)."""

    values: Values
    first_ms: int
    steps: list[Step]
    base: Life | None = None
    merged: bool = False
    opening: Opening | None = None

    def encode(self) -> bytes:
        return _SHAPE.encode(_encode(self))


class TicketKind(Kind[Ticket]):
    """Tickets, by their ids. Any touchpoint may be about one."""

    title = "ticket"
    prefix = b"t"
    events = (Touchpoint,)
    timed = True

    def __init__(self, config: Config) -> None:
        self._calendar = config.calendar
        self._reply_ms = config.targets["first_reply"]
        self._resolution_ms = config.targets["resolution"]
        self._confirm_ms = config.confirm_ms
        week = config.business_week
        self._schedule = None if week is None else Schedule(config.calendar, week, config.holidays)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return None if event.ticket is None else (event.ticket,)

    def begin(self, event: Touchpoint, values: Values) -> Ticket:
        return Ticket(0, (), 0, values, event.time_ms, [])

    def take(self, case: Ticket, event: Touchpoint, values: Values) -> Contributions:
        return self.counted(case) if _apply(case, event, values) else case.counted

    def counted(self, case: Ticket) -> Contributions:
        """Its opening, first reply and resolution, and how these went; nothing where it is merged into another."""
        if case.merged:
            return ()
        life = lived(case.base, case.steps)
        counted = []
        if life.opened_ms is not None:
            counted += self._opened(case, life, life.opened_ms)
        if life.resolved_ms is not None:
            counted += self._resolved(case, life, life.resolved_ms)
        return tuple(counted)

    def _opened(self, case: Ticket, life: Life, opened_ms: int) -> list[Contribution]:
        """A ticket whose opening is known; each target is kept, or breached once it has passed."""
        values, resolved_ms = case.values, life.resolved_ms
        priority = NORMAL if case.opening is None else case.opening.priority
        reply_due_ms, due_ms = opened_ms + self._reply_ms[priority], opened_ms + self._resolution_ms[priority]
        counted = [Contribution(opened_ms, values, Opened())]
        if case.opening is not None and case.opening.topic is not None:
            on_topic = OnTopic(case.opening.topic, opened_ms, resolved_ms, Contact.FIRST in life.held)
            counted.append(Contribution(opened_ms, values, on_topic))
        replied_ms = next(iter(life.replied_ms[life.by_us :]), None)
        if replied_ms is not None:
            replied = Replied(replied_ms - opened_ms, in_time=replied_ms <= reply_due_ms)
            counted.append(Contribution(replied_ms, values, replied))
        if (replied_ms is None or replied_ms > reply_due_ms) and (resolved_ms is None or resolved_ms > reply_due_ms):
            counted.append(Contribution(reply_due_ms, values, Breached("first_reply")))
        if resolved_ms is None or resolved_ms > due_ms:
            counted.append(Contribution(due_ms, values, Breached("resolution")))
        if resolved_ms is not None:
            left_ms = max(opened_ms, resolved_ms)
            age_days = self._calendar.day_number(left_ms) - self._calendar.day_number(opened_ms)
            counted.append(Contribution(left_ms, values, LeftBacklog(age_days)))
        return counted

    def _resolved(self, case: Ticket, life: Life, resolved_ms: int) -> list[Contribution]:
        """A ticket that is resolved."""
        duration_ms = business_ms = None
        in_time = False
        if life.opened_ms is not None:
            duration_ms = resolved_ms - life.opened_ms
            priority = NORMAL if case.opening is None else case.opening.priority
            in_time = 0 <= duration_ms <= self._resolution_ms[priority]
            if self._schedule is not None and duration_ms >= 0:
                business_ms = self._schedule.within_ms(life.opened_ms, resolved_ms)
        resolved = Resolved(
            life.held,
            duration_ms,
            life.reopenings,
            life.moves_held,
            life.messages_held,
            in_time=in_time,
            business_ms=business_ms,
        )
        counted = [Contribution(resolved_ms, case.values, resolved)]
        if case.opening is None or case.opening.topic is None:
            confirmed = Confirmed(Contact.FIRST in life.held)
            counted.append(Contribution(resolved_ms + self._confirm_ms, case.values, confirmed))
        return counted

    def join(self, case: Ticket, other: Ticket) -> Contributions:
        """Of two that both have steps too old to be put in order, the old steps of the first to begin stay."""
        if other.first_ms < case.first_ms:
            case.first_ms, case.values = other.first_ms, other.values
        if other.base is not None and (case.base is None or other.first_ms == case.first_ms):
            case.base = other.base
        if other.opening is not None and (case.opening is None or other.opening[:2] < case.opening[:2]):
            case.opening = other.opening
        case.merged |= other.merged
        case.steps = [] if case.merged else sorted((*case.steps, *other.steps), key=_time_ms)
        case.base = None if case.merged else case.base
        return self.counted(case)

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


def _not_due(old: list[Any]) -> list[Any]:
    """Version 2 had no timers, and did not know what an opening says: the next touchpoint sets one."""
    touched_ms, counted, *rest = old
    return [touched_ms, counted, 0, *rest]


_encode = msgpack.Encoder().encode
_SHAPE = Shape(msgpack.Decoder(Ticket).decode, _as_a_case, _not_due)
_time_ms = attrgetter("time_ms")


def _apply(ticket: Ticket, event: Touchpoint, values: Values) -> bool:
    """Let a touchpoint that names the ticket happen to it, in place; True where what it counts as may have changed.

    Of two at the same time the one that arrived first happened first; but what the ticket is about, and how urgent, is
    as the one with the smaller id says.
    """
    if ticket.merged:
        return False
    changed = event.time_ms < ticket.first_ms and values != ticket.values
    if event.time_ms < ticket.first_ms:
        ticket.first_ms, ticket.values = event.time_ms, values
    if isinstance(event, TicketMerged):
        ticket.merged, ticket.steps, ticket.base = True, [], None
        return True
    if isinstance(event, TicketOpened):
        opening = Opening(event.time_ms, event.id, event.topic, event.priority or NORMAL)
        ticket.opening = opening if ticket.opening is None else min(ticket.opening, opening, key=_first)
    step = step_of(event)
    if step is None:
        return changed
    return _put(ticket, step) or changed


def _first(opening: Opening) -> tuple[int, str]:
    return opening.time_ms, opening.event


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
    return not is_last or step.kind in _DECISIVE or (step.kind == REPLIED and not _is_replied(ticket))


def _is_replied(ticket: Ticket) -> bool:
    """Whether a first reply is counted, which no later one changes."""
    return any(isinstance(each.fact, Replied) for each in ticket.counted)
