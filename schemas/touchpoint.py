"""The fields that every touchpoint has, and the bounds that decoding enforces."""

import re
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, field

Id = Annotated[str, Meta(min_length=1, max_length=256)]
"""An identifier given by a source system: of an event, a customer, a ticket, a session."""

Label = Annotated[str, Meta(min_length=1, max_length=128)]
"""A value to cut metrics by: a region, a product, a customer group."""

_CHANNEL = r"^[a-z][a-z0-9_]*$(?!\n)"
Channel = Annotated[str, Meta(min_length=1, max_length=32, extra_json_schema={"pattern": _CHANNEL})]
"""Where it happened: chat, email, phone, web, app, social, in_person, voice, device, bot; the list is open.

The pattern is not for msgspec, which would take longer over it than over all the rest of a touchpoint: see
``channel_error``.
"""

Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000 * 10)]
"""A duration in milliseconds, never negative."""

EpochMillis = Annotated[int, Meta(ge=-9_007_199_254_740_991, le=9_007_199_254_740_991)]
"""An instant in milliseconds since 1970-01-01 UTC. The pipeline rejects those before 1990 and in the future."""

MinorUnits = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
"""An amount of money in the currency's smallest unit (cents). Sums of millions of the largest are still exact."""

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
"""ISO 4217 code."""

Name = Annotated[str, Meta(min_length=1, max_length=512)]
"""A free name: of a page, an error, a goal."""

Priority = Literal["low", "normal", "high", "urgent"]
"""How much of a hurry there is, as the source says."""

Text = Annotated[str, Meta(max_length=20_000)]
"""Free text written by a person."""


@lru_cache(maxsize=4096)
def channel_error(name: str) -> str | None:
    """Why there is no such channel, in the words of msgspec; None where there may be one.

    >>> channel_error("web"), channel_error("Web Site") is None
    (None, False)
    """
    return None if re.search(_CHANNEL, name) else f"Expected `str` matching regex {_CHANNEL!r} - at `$.channel`"


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
