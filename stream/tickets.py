"""A ticket's life, and what its resolution contributes."""

from msgspec import Struct, msgpack

from schemas.call import CallStarted
from schemas.chat import ChatMessage
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
from stream.facts import Contact, Resolved
from stream.segments import Values

_SESSIONS = 16
"""Sessions of one ticket that are remembered: words of the same one are one contact."""


class Ticket(Struct, array_like=True):
    """State of one ticket. It counts in the segments of its first touchpoint (``values``).

    ``contacts`` are contact episodes, ``sessions`` the last of theirs; ``answered`` is True once an agent has
    replied since the customer's last word. ``counted`` is what is counted of it, in the slice of
    ``counted_ms``.
    """

    values: Values
    opened_ms: int | None = None
    contacts: int = 0
    sessions: tuple[str, ...] = ()
    answered: bool = False
    team: str | None = None
    moves: int = 0
    replies: int = 0
    reopenings: int = 0
    resolved_ms: int | None = None
    merged: bool = False
    counted: Resolved | None = None
    counted_ms: int = 0
    last_ms: int = 0

    def encode(self) -> bytes:
        return _encode(self)


_encode = msgpack.Encoder().encode
decode = msgpack.Decoder(Ticket).decode


def apply(ticket: Ticket, event: Touchpoint) -> bool:
    """Let a touchpoint that names the ticket happen to it, in place; True where its resolution may have changed."""
    if ticket.merged:
        return False
    ticket.last_ms = max(ticket.last_ms, event.time_ms)
    _assign(ticket, event)
    match event:
        case TicketOpened():
            _open(ticket, event)
        case TicketReplied() | ChatMessage():
            _speak(ticket, event)
            return False
        case CallStarted() | EmailReceived():
            if event.by_customer:
                _contact(ticket, event, new=isinstance(event, CallStarted) or ticket.answered)
            return False
        case TicketResolved() | TicketClosed():
            return _resolve(ticket, event)
        case TicketReopened():
            ticket.resolved_ms = None
            ticket.reopenings += 1
            _contact(ticket, event, new=True)
        case TicketMerged():
            ticket.merged = True
        case _:
            return False
    return True


def contribution(ticket: Ticket) -> Resolved | None:
    """What the ticket's resolution counts as; None where it is not resolved, or merged into another."""
    if ticket.resolved_ms is None or ticket.merged:
        return None
    first = ticket.reopenings == 0 and ticket.contacts <= 1
    holds = {
        Contact.FIRST: first,
        Contact.STRICT: first and ticket.moves == 0,
        Contact.ONE_TOUCH: ticket.reopenings == 0 and ticket.replies <= 1,
    }
    duration_ms = None if ticket.opened_ms is None else ticket.resolved_ms - ticket.opened_ms
    return Resolved(tuple(contact for contact, true in holds.items() if true), duration_ms)


def _assign(ticket: Ticket, event: Touchpoint) -> None:
    """A team other than the former one is a move, where the event is about the ticket itself."""
    if not isinstance(event, TicketOpened | TicketAssigned) or event.team is None:
        return
    if ticket.team is not None and event.team != ticket.team:
        ticket.moves += 1
    ticket.team = event.team


def _open(ticket: Ticket, event: TicketOpened) -> None:
    """The earliest opening counts. It is the first contact, unless the customer's own word came before."""
    ticket.opened_ms = event.time_ms if ticket.opened_ms is None else min(ticket.opened_ms, event.time_ms)
    if ticket.contacts == 0:
        _contact(ticket, event, new=True)


def _resolve(ticket: Ticket, event: TicketResolved | TicketClosed) -> bool:
    """The last resolution counts; closing is one only where there was none."""
    if ticket.resolved_ms is None:
        ticket.resolved_ms = event.time_ms
        return True
    if isinstance(event, TicketClosed):
        return False
    ticket.resolved_ms = max(event.time_ms, ticket.resolved_ms)
    return True


def _speak(ticket: Ticket, event: TicketReplied | ChatMessage) -> None:
    if event.author == "customer":
        _contact(ticket, event, new=ticket.answered)
        return
    if isinstance(event, TicketReplied) and not event.public:
        return
    if event.author == "agent":
        ticket.answered = True
        ticket.replies += 1


def _contact(ticket: Ticket, event: Touchpoint, new: bool) -> None:
    """The customer turned to us: a new episode, unless in the session of the current one or still unanswered."""
    if ticket.contacts == 0 or (new and event.session not in ticket.sessions):
        ticket.contacts += 1
    if event.session is not None and event.session not in ticket.sessions:
        ticket.sessions = (*ticket.sessions, event.session)[-_SESSIONS:]
    ticket.answered = False
