"""What happens to a ticket, step by step, and what the steps come to."""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

from msgspec import Struct

from schemas.call import CallStarted
from schemas.chat import ChatHandedOff, ChatMessage
from schemas.email import EmailReceived
from schemas.ticket import (
    TicketAssigned,
    TicketClosed,
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from schemas.touchpoint import Touchpoint
from stream.facts import Contact

_SESSIONS = 16
"""Sessions of one ticket that are remembered: words of the same one are one contact."""
_TOLD = 2
"""Replies that count by themselves: the first, or the second of a ticket that we opened."""

OPENED, ASSIGNED, ASKED, CALLED, REPLIED, RESOLVED, CLOSED, REOPENED, OPENED_BY_US = range(9)
"""What a step is to the ticket. ASKED: the customer wrote, a contact of its own once an agent has replied. CALLED:
always a contact of its own. REPLIED: an agent, in public. Plain integers, for an enum's hash is slow."""

OPENINGS = {OPENED, OPENED_BY_US}
_CONTACTS = {*OPENINGS, ASKED, CALLED, REOPENED}
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


def step_of(event: Touchpoint) -> Step | None:
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


def lived(base: Life | None, steps: Iterable[Step]) -> Life:
    """The life that these steps make, after ``base``."""
    life = Life() if base is None else copy(base)
    for step in steps:
        _live(life, step)
    return life


def _live(life: Life, step: Step) -> None:
    kind = step.kind
    if kind in OPENINGS and life.opened_ms is None:
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
    if kind in _CONTACTS and not (kind in OPENINGS and life.contacts):
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
