"""Support tickets."""

from typing import Literal

from schemas.touchpoint import Id, Label, Name, Priority, Text, Touchpoint

Author = Literal["customer", "agent", "bot"]


class _Ticket(Touchpoint, frozen=True, kw_only=True):
    ticket: Id


class TicketOpened(_Ticket, frozen=True, kw_only=True, tag="ticket.opened"):
    """A ticket came into being, by default because the customer asked."""

    author: Author = "customer"
    topic: Label | None = None
    priority: Priority | None = None
    subject: Text | None = None

    @property
    def by_customer(self) -> bool:  # type: ignore[override]
        return self.author == "customer"


class TicketAssigned(_Ticket, frozen=True, kw_only=True, tag="ticket.assigned"):
    """The ticket now belongs to ``team`` (and ``agent``)."""

    agent: Id | None = None


class TicketReplied(_Ticket, frozen=True, kw_only=True, tag="ticket.replied"):
    """Somebody wrote in it. A note that the customer cannot see is not ``public``."""

    author: Author
    public: bool = True
    text: Text | None = None

    @property
    def by_customer(self) -> bool:  # type: ignore[override]
        return self.author == "customer"


class TicketPending(_Ticket, frozen=True, kw_only=True, tag="ticket.pending"):
    """The ticket waits for somebody."""

    waiting_for: Name | None = None


class TicketResolved(_Ticket, frozen=True, kw_only=True, tag="ticket.resolved"):
    """The agent considers it solved."""


class TicketReopened(_Ticket, frozen=True, kw_only=True, tag="ticket.reopened"):
    """It was not solved after all."""

    author: Author = "customer"

    @property
    def by_customer(self) -> bool:  # type: ignore[override]
        return self.author == "customer"


class TicketClosed(_Ticket, frozen=True, kw_only=True, tag="ticket.closed"):
    """No further change; counts as resolved where it never was."""


class TicketMerged(_Ticket, frozen=True, kw_only=True, tag="ticket.merged"):
    """It was the same as ``into``, which goes on in its place."""

    into: Id


Ticket = (
    TicketOpened
    | TicketAssigned
    | TicketReplied
    | TicketPending
    | TicketResolved
    | TicketReopened
    | TicketClosed
    | TicketMerged
)
