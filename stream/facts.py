"""Facts: what the fold learns from touchpoints, in the vocabulary of the domain.

Metrics count facts and see nothing else. ``sign`` is 1 where a fact holds and -1 where it is taken back, which is done
in the very slice and segment in which it was counted. Facts that cases count as are stored with them.
"""

from enum import StrEnum

from msgspec import Struct


class Arrived(Struct, frozen=True):
    """A touchpoint of this type (``ticket.opened``) was folded."""

    type: str


class Answered(Struct, frozen=True, array_like=True, tag=True):
    """A survey has this answer, on a scale from ``low`` to ``high``; ``reasons`` are codes, each once, in order."""

    kind: str
    score: int
    low: int
    high: int
    sign: int = 1
    reasons: tuple[str, ...] = ()


class Contact(StrEnum):
    """How much contact a resolution took."""

    FIRST = "first"
    """One contact episode, never reopened."""
    STRICT = "strict"
    """Also without a move to another team."""
    ONE_TOUCH = "one_touch"
    """At most one public reply by an agent, never reopened."""


class Resolved(Struct, frozen=True, array_like=True, tag=True):
    """A ticket is resolved.

    ``duration_ms`` runs from its opening to its last resolution; None where the opening is not known. A negative one
    is the sign of wrong data: it is counted as such and not averaged. ``reopenings``, ``moves`` to another team and
    ``messages`` (the customer's, and agents' in public) are those until then. ``in_time``: within its target.
    ``business_ms``: the part of it in business hours; None where there are none.
    """

    contacts: tuple[Contact, ...]
    duration_ms: int | None
    reopenings: int = 0
    moves: int = 0
    messages: int = 0
    sign: int = 1
    in_time: bool = False
    business_ms: int | None = None


class Active(Struct, frozen=True):
    """A customer was active on a day, having been so ``gap_days`` before (None: never before)."""

    gap_days: int | None
    sign: int = 1


class Cohort(Struct, frozen=True):
    """A customer was active in a week or month, ``age`` of them after that of the first activity."""

    unit: str
    age: int
    sign: int = 1


class Opened(Struct, frozen=True, array_like=True, tag=True):
    """A ticket was opened."""

    sign: int = 1


class Replied(Struct, frozen=True, array_like=True, tag=True):
    """An agent replied to a ticket for the first time, so long after its opening; ``in_time``: within its target."""

    duration_ms: int
    sign: int = 1
    in_time: bool = False


class Breached(Struct, frozen=True, array_like=True, tag=True):
    """The target for the ``first_reply`` to a ticket, or for its ``resolution``, has passed without it."""

    of: str
    sign: int = 1


class LeftBacklog(Struct, frozen=True, array_like=True, tag=True):
    """A ticket left the backlog, so many local days after its opening."""

    age_days: int
    sign: int = 1


class Confirmed(Struct, frozen=True, array_like=True, tag=True):
    """The time is over in which a resolution might have proved none; ``first`` where it stands as at first contact."""

    first: bool
    sign: int = 1


class OnTopic(Struct, frozen=True, array_like=True, tag=True):
    """A customer's ticket on a topic; ``first``: resolved at first contact. It is not counted: the topic is told."""

    topic: str
    opened_ms: int
    resolved_ms: int | None
    first: bool
    sign: int = 1


class Waited(Struct, frozen=True, array_like=True, tag=True):
    """A customer waited for a person, in a chat or on the telephone.

    ``duration_ms``: until somebody was there; None: gone before. ``in_time``: within the target; None: not looked at.
    """

    duration_ms: int | None
    sign: int = 1
    in_time: bool | None = None


class Trial(Struct, frozen=True, array_like=True, tag=True):
    """A trial began, and has, or has not, become a paid subscription in time."""

    converted: bool
    sign: int = 1


class TrialExpired(Struct, frozen=True, array_like=True, tag=True):
    """A trial ran out without having become a paid subscription."""

    sign: int = 1


class Joined(Struct, frozen=True, array_like=True, tag=True):
    """An account became paid."""

    sign: int = 1


class Left(Struct, frozen=True, array_like=True, tag=True):
    """A paid account was cancelled."""

    sign: int = 1


class CartClosed(Struct, frozen=True, array_like=True, tag=True):
    """A cart was bought within an hour of its last change, or else ``abandoned``."""

    abandoned: bool
    sign: int = 1


class CartRecovered(Struct, frozen=True, array_like=True, tag=True):
    """A cart that had been abandoned was bought after all."""

    sign: int = 1


class Moved(Struct, frozen=True):
    """A customer came to a ``stage`` from the one ``before``; None at first."""

    before: str | None
    stage: str
    sign: int = 1


class Stayed(Struct, frozen=True):
    """A customer left a ``stage`` after a time in this ``bucket`` of a histogram of logarithms."""

    stage: str
    bucket: int
    sign: int = 1


class HandedOver(Struct, frozen=True):
    """A customer went from the channel ``before`` to ``channel``.

    ``same_ticket``: about the ticket that was spoken of before; None where there was none.
    """

    before: str
    channel: str
    same_ticket: bool | None
    sign: int = 1


class Began(Struct, frozen=True):
    """A journey began."""

    sign: int = 1


class Spread(Struct, frozen=True):
    """A journey came to its second channel."""

    sign: int = 1


class PathTaken(Struct, frozen=True):
    """A customer bought something, having come over these channels."""

    channels: tuple[str, ...]
    sign: int = 1


class Purchased(Struct, frozen=True, array_like=True, tag=True):
    """An order was paid: ``amount`` in the smallest unit of ``currency``; ``returned`` where all of it was given back.

    ``referred`` is True where somebody had sent the customer.
    """

    currency: str
    amount: int
    referred: bool
    returned: bool
    sign: int = 1


class Refunded(Struct, frozen=True, array_like=True, tag=True):
    """Money of an order was given back; ``excess`` where it was to be more than was paid, of which this is the rest."""

    currency: str
    amount: int
    excess: bool
    sign: int = 1


class FirstPurchase(Struct, frozen=True, array_like=True, tag=True):
    """A purchase is the customer's first."""

    sign: int = 1


class Delivered(Struct, frozen=True, array_like=True, tag=True):
    """An email came to a customer, who opened it, followed a link in it (so opened it), or wanted no more of them."""

    opened: bool
    clicked: bool
    unsubscribed: bool
    sign: int = 1


class Bounced(Struct, frozen=True, array_like=True, tag=True):
    """An email could not be delivered."""

    sign: int = 1


class Asked(Struct, frozen=True):
    """A survey of this kind was sent."""

    kind: str


class Reviewed(Struct, frozen=True):
    """A review gives so many stars, of five."""

    rating: int


class Mentioned(Struct, frozen=True):
    """Somebody spoke of us; ``sentiment`` is None where the source gives none."""

    sentiment: str | None


CaseFact = (
    Answered
    | Opened
    | Replied
    | Resolved
    | Breached
    | LeftBacklog
    | Confirmed
    | OnTopic
    | Waited
    | Trial
    | TrialExpired
    | Joined
    | Left
    | CartClosed
    | CartRecovered
    | Purchased
    | Refunded
    | FirstPurchase
    | Delivered
    | Bounced
)
"""What cases count as."""
BY_DAY = {LeftBacklog}
"""Facts of cases that count in days alone."""
Fact = (
    Arrived
    | Active
    | Cohort
    | Asked
    | Reviewed
    | Mentioned
    | Moved
    | Stayed
    | HandedOver
    | Began
    | Spread
    | PathTaken
    | CaseFact
)
