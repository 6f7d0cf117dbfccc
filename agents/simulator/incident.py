"""Something that goes wrong at a known time in a known segment: the truth that detection is measured against."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agents.simulator.catalogue import PRODUCTS
from agents.simulator.persona import PERSONAS, REGIONS, Customer
from stream.errors import CxstreamError

MINUTE_MS: Final = 60_000


class IncidentError(CxstreamError):
    """An incident that cannot happen: what is wrong with it, and what would do."""


class Kind(StrEnum):
    """What goes wrong."""

    BROKEN_CHECKOUT = "broken_checkout"
    """Payments fail, error pages, dissatisfied and high-effort answers."""
    SLOW_SUPPORT = "slow_support"
    """Long queues, abandoned contacts, late replies and resolutions, dissatisfied and high-effort answers."""
    BAD_RELEASE = "bad_release"
    """The app crashes; dissatisfied and high-effort answers, and detractors."""


CHANNELS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.BROKEN_CHECKOUT: ("web", "app"),
    Kind.SLOW_SUPPORT: ("chat", "phone", "email"),
    Kind.BAD_RELEASE: ("app",),
}
"""Where each kind can happen; the first is the default."""

DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("web", "app", "chat", "phone", "email"),
    "segment": tuple(persona.name for persona in PERSONAS),
    "region": tuple(region.name for region in REGIONS),
    "product": tuple(PRODUCTS),
}


@dataclass(frozen=True, slots=True)
class Incident:
    """``kind`` goes wrong during ``[start_ms, end_ms)`` wherever every dimension in ``where`` has its value.

    ``where`` may name channel, segment, region and product; the channel is added if missing. ``severity`` is the
    share of experiences and answers there that turn bad; ``surge`` the extra journeys that it draws, as a share of
    all journeys of the population, so that even a narrow segment has enough answers to notice.

    Raises:
        IncidentError: it ends before it starts, or names a dimension or value that does not exist or does not fit.
    """

    kind: Kind
    start_ms: int
    end_ms: int
    where: Mapping[str, str] = field(default_factory=dict)
    severity: float = 0.95
    surge: float = 0.15

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", {"channel": CHANNELS[self.kind][0], **self.where})
        if self.end_ms <= self.start_ms:
            raise IncidentError(f"{self.kind} ends at {self.end_ms} ms, not after its start at {self.start_ms} ms")
        if not (0 <= self.severity <= 1 and self.surge >= 0):
            raise IncidentError(
                f"{self.kind}: severity {self.severity} is not in 0..1 or surge {self.surge} is negative"
            )
        for dimension, value in self.where.items():
            allowed = CHANNELS[self.kind] if dimension == "channel" else DIMENSIONS.get(dimension)
            if allowed is None:
                raise IncidentError(f"{self.kind}: no dimension {dimension!r}; there are {', '.join(DIMENSIONS)}")
            if value not in allowed:
                raise IncidentError(f"{self.kind}: {dimension} cannot be {value!r}, only {', '.join(allowed)}")

    @property
    def channel(self) -> str:
        """The channel that it happens in."""
        return self.where["channel"]

    def concerns(self, customer: Customer) -> bool:
        """Whether ``customer`` can be affected at all: segment and region match."""
        return self.where.get("segment", customer.persona.name) == customer.persona.name and (
            self.where.get("region", customer.region.name) == customer.region.name
        )

    def covers(self, at_ms: int, channel: str, product: str) -> bool:
        """Whether it is going on at that instant in that channel for that product."""
        return (
            self.start_ms <= at_ms < self.end_ms
            and self.where["channel"] == channel
            and self.where.get("product", product) == product
        )


_SPELLING = re.compile(r"(?P<kind>\w+)@(?P<at>\d+(?:\.\d+)?)\+(?P<minutes>\d+(?:\.\d+)?)(?::(?P<where>.+))?")


def parse_incident(text: str, start_ms: int) -> Incident:
    """``KIND@MINUTE+MINUTES``, optionally ``:region=eu,product=phone``; minutes count from ``start_ms``.

    Raises:
        IncidentError: ``text`` is spelt otherwise, or the incident cannot happen.

    >>> incident = parse_incident("broken_checkout@20+10:region=eu", 0)
    >>> incident.start_ms, incident.end_ms, dict(incident.where)
    (1200000, 1800000, {'channel': 'web', 'region': 'eu'})
    """
    match = _SPELLING.fullmatch(text)
    if match is None:
        raise IncidentError(f"{text!r} is not KIND@MINUTE+MINUTES, such as broken_checkout@20+10:region=eu")
    if match["kind"] not in list(Kind):
        raise IncidentError(f"no incident {match['kind']!r}; there are {', '.join(Kind)}")
    begin_ms = start_ms + round(float(match["at"]) * MINUTE_MS)
    where = dict(_pair(part) for part in (match["where"] or "").split(",") if part)
    return Incident(Kind(match["kind"]), begin_ms, begin_ms + round(float(match["minutes"]) * MINUTE_MS), where)


def _pair(part: str) -> tuple[str, str]:
    dimension, equals, value = part.partition("=")
    if not equals:
        raise IncidentError(f"{part!r} is not DIMENSION=VALUE")
    return dimension.strip(), value.strip()
