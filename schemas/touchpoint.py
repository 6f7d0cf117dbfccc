"""The fields that every touchpoint has, and the bounds that decoding enforces."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

Id = Annotated[str, Meta(min_length=1, max_length=256)]
"""An identifier given by a source system: of an event, a customer, a ticket, a session."""

Label = Annotated[str, Meta(min_length=1, max_length=128)]
"""A value to cut metrics by: a region, a product, a customer group."""

Channel = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z][a-z0-9_]*$(?!\n)")]
"""Where it happened: chat, email, phone, web, app, social, in_person, voice, device, bot; the list is open."""

Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000 * 10)]
"""A duration in milliseconds, never negative."""

EpochMillis = Annotated[int, Meta(ge=-9_007_199_254_740_991, le=9_007_199_254_740_991)]
"""An instant in milliseconds since 1970-01-01 UTC. The pipeline rejects those before 1990 and in the future."""

MinorUnits = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]
"""An amount of money in the currency's smallest unit (cents)."""

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
"""ISO 4217 code."""

Name = Annotated[str, Meta(min_length=1, max_length=512)]
"""A free name: of a page, an error, a goal."""

Text = Annotated[str, Meta(max_length=20_000)]
"""Free text written by a person."""


class Touchpoint(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One thing that happened between a customer and us.

    ``type`` is the tag (``ticket.opened``), ``time`` the event time. ``segment`` is the customer group (persona),
    ``touchpoint`` the place in the experience that it concerns (``checkout``, ``security``), ``labels`` what a
    deployment adds to cut metrics by.
    """

    id: Id
    time_ms: EpochMillis = field(name="time")
    customer: Id
    channel: Channel
    segment: Label | None = None
    region: Label | None = None
    product: Label | None = None
    source: Label | None = None
    team: Label | None = None
    touchpoint: Label | None = None
    ticket: Id | None = None
    session: Id | None = None
    labels: dict[Label, Label] | None = None

    by_customer: ClassVar[bool] = False
    """True where the customer did it, so that it counts as activity. Where it depends on a field, a property."""
