"""Email: what we sent and what became of it, and what the customer wrote."""

from typing import Literal

from schemas.touchpoint import Id, Name, Text, Touchpoint


class _Campaign(Touchpoint, frozen=True, kw_only=True):
    email: Id | None = None
    campaign: Id | None = None


class EmailSent(_Campaign, frozen=True, kw_only=True, tag="email.sent"):
    """We sent a message."""

    subject: Text | None = None


class EmailDelivered(_Campaign, frozen=True, kw_only=True, tag="email.delivered"):
    """The customer's server took it."""


class EmailOpened(_Campaign, frozen=True, kw_only=True, tag="email.opened"):
    """The customer opened it."""

    by_customer = True


class EmailClicked(_Campaign, frozen=True, kw_only=True, tag="email.clicked"):
    """The customer followed a link in it."""

    link: Name | None = None
    by_customer = True


class EmailBounced(_Campaign, frozen=True, kw_only=True, tag="email.bounced"):
    """It could not be delivered."""

    kind: Literal["hard", "soft"] | None = None


class EmailUnsubscribed(_Campaign, frozen=True, kw_only=True, tag="email.unsubscribed"):
    """The customer wants no more of them."""

    by_customer = True


class EmailReceived(_Campaign, frozen=True, kw_only=True, tag="email.received"):
    """The customer wrote to us."""

    subject: Text | None = None
    by_customer = True


Email = EmailSent | EmailDelivered | EmailOpened | EmailClicked | EmailBounced | EmailUnsubscribed | EmailReceived
