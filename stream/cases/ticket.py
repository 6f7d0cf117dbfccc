"""A ticket's life, and what its resolution contributes.

A ticket's touchpoints are kept as steps in order of their times, so that one that arrives late changes what it would
have changed in time. ``base`` sums up the steps beyond the last ``_STEPS``.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from copy import copy
from operator import attrgetter
from typing import Any

from msgspec import Struct, msgpack

from schemas.call import CallStarted
from schemas.chat import ChatHandedOff, ChatMessage
from schemas.email import EmailReceived
from schemas.ticket import (
    TicketAssigned,
    TicketClosed,
    TicketMerged,
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind
from stream.facts import Contact, Opened, Replied, Resolved
from stream.segments import Values
from stream.versions import Shape

_STEPS = 64
"""Steps of one ticket that may still be put in order."""
_SESSIONS = 16
"""Sessions of one ticket that are remembered: words of the same one are one contact."""


OPENED, ASSIGNED, ASKED, CALLED, REPLIED, RESOLVED, CLOSED, REOPENED, OPENED_BY_US = range(9)
"""What a step is to the ticket. ASKED: the customer wrote, a contact of its own once an agent has replied. CALLED:
always a contact of its own. REPLIED: an agent, in public. Plain integers, for an enum's hash is slow."""

_OPENINGS = {OPENED, OPENED_BY_US}
_DECISIVE = {*_OPENINGS, RESOLVED, CLOSED, REOPENED}
"""Steps that may change what the ticket counts as, also where they are the last; the others tell for a later one."""
_TOLD = 2
"""Replies that count by themselves: the first, or the second of a ticket that we opened."""
_CONTACTS = {*_OPENINGS, ASKED, CALLED, REOPENED}
"""Steps by which the customer turns to us."""


class Step(Struct, array_like=True, frozen=True):
    """Something that happened to a ticket. ``session`` and ``team`` are None where unknown, or of no matter."""

    time_ms: int
    kind: int
    session: str | None = None
    team: str | None = None


class Life(Struct, array_like=True):
    """What the steps so far come to.

    ``contacts`` are contact episodes, ``sessions`` the last of theirs; ``answered`` is True once an agent has replied
    since the customer's last word. ``replied_ms`` are the first two of the agents' ``replies``; ``messages`` are these
    and the customer's. ``resolved_ms`` is the last resolution, and ``held`` what was true of it. ``by_us``: an agent or
    a bot opened it.
    """

    opened_ms: int | None = None
    contacts: int = 0
    sessions: tuple[str, ...] = ()
    answered: bool = False
    team: str | None = None
    moves: int = 0
    replies: int = 0
    reopenings: int = 0
    resolved_ms: int | None = None
    held: tuple[Contact, ...] = ()
    by_us: bool = False
    replied_ms: tuple[int, ...] = ()
    messages: int = 0
    moves_held: int = 0
    messages_held: int = 0


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
    step = _step(event)
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
        ticket.base = _lived(ticket.base, steps[:half])
        del steps[:half]
    return not is_last or step.kind in _DECISIVE or (step.kind == REPLIED and _replies(ticket) <= _TOLD)


def _replies(ticket: Ticket) -> int:
    """How many replies there were after the opening, as far as that matters."""
    base, steps = ticket.base or Life(), ticket.steps
    openings = (at for at, step in enumerate(steps) if step.kind in _OPENINGS)
    since = next(openings, len(steps)) if base.opened_ms is None else 0
    return len(base.replied_ms) + sum(step.kind == REPLIED for step in steps[since:])


def _counted(ticket: Ticket) -> Contributions:
    """What the ticket counts as: its opening, first reply and resolution; nothing where it is merged into another."""
    if ticket.merged:
        return ()
    life = _lived(ticket.base, ticket.steps)
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


def _step(event: Touchpoint) -> Step | None:
    """What a touchpoint is to its ticket; None where it is nothing."""
    found = _STEP_OF.get(type(event))
    return None if found is None else found(event)


def _plain(kind: int) -> Callable[[Touchpoint], Step]:
    return lambda event: Step(event.time_ms, kind, event.session)


def _opened(event: Touchpoint) -> Step:
    kind = OPENED if event.by_customer else OPENED_BY_US
    return Step(event.time_ms, kind, event.session, event.team)


def _assigned(event: Touchpoint) -> Step:
    return Step(event.time_ms, ASSIGNED, None, event.team)


def _handed_off(event: ChatHandedOff) -> Step:
    return Step(event.time_ms, ASSIGNED, None, event.to_team)


def _called(event: Touchpoint) -> Step | None:
    return Step(event.time_ms, CALLED, event.session) if event.by_customer else None


def _word(event: Any) -> Step | None:
    """A customer's word or an agent's reply; those of bots and internal notes are neither."""
    if event.author == "customer":
        return Step(event.time_ms, ASKED, event.session)
    is_public = isinstance(event, ChatMessage) or event.public
    return Step(event.time_ms, REPLIED) if event.author == "agent" and is_public else None


_STEP_OF: dict[type, Callable[[Any], Step | None]] = {
    TicketOpened: _opened,
    TicketAssigned: _assigned,
    ChatHandedOff: _handed_off,
    TicketReplied: _word,
    ChatMessage: _word,
    CallStarted: _called,
    EmailReceived: _plain(ASKED),
    TicketResolved: _plain(RESOLVED),
    TicketClosed: _plain(CLOSED),
    TicketReopened: _plain(REOPENED),
}
"""By type, what a touchpoint is to its ticket."""


def _lived(base: Life | None, steps: Iterable[Step]) -> Life:
    """The life that these steps make, after ``base``."""
    life = Life() if base is None else copy(base)
    for step in steps:
        _live(life, step)
    return life


def _live(life: Life, step: Step) -> None:
    kind = step.kind
    if kind in _OPENINGS and life.opened_ms is None:
        life.opened_ms, life.by_us = step.time_ms, kind == OPENED_BY_US
    if step.team is not None:
        _assign(life, step.team)
    if kind == REPLIED:
        life.answered = True
        life.replies += 1
        life.messages += 1
        if life.opened_ms is not None:
            life.replied_ms = (*life.replied_ms, step.time_ms)[:_TOLD]
    elif kind == RESOLVED or (kind == CLOSED and life.resolved_ms is None):
        _resolve(life, step.time_ms)
    elif kind == REOPENED:
        life.resolved_ms = None
        life.reopenings += 1
    elif kind == ASKED:
        life.messages += 1
    if kind in _CONTACTS and not (kind in _OPENINGS and life.contacts):
        _contact(life, step, new=kind != ASKED or life.answered)


def _assign(life: Life, team: str) -> None:
    """A team other than the former one is a move."""
    if life.team is not None and team != life.team:
        life.moves += 1
    life.team = team


def _resolve(life: Life, time_ms: int) -> None:
    """The last resolution counts."""
    held: tuple[Contact, ...] = ()
    if life.reopenings == 0:
        if life.contacts <= 1:
            held = (Contact.FIRST,) if life.moves else (Contact.FIRST, Contact.STRICT)
        if life.replies <= 1:
            held = (*held, Contact.ONE_TOUCH)
    life.resolved_ms, life.held = time_ms, held
    life.moves_held, life.messages_held = life.moves, life.messages


def _contact(life: Life, step: Step, new: bool) -> None:
    """The customer turned to us: a new episode, unless in the session of the current one or still unanswered."""
    if life.contacts == 0 or (new and step.session not in life.sessions):
        life.contacts += 1
    if step.session is not None and step.session not in life.sessions:
        life.sessions = (*life.sessions, step.session)[-_SESSIONS:]
    life.answered = False
