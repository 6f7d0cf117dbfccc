"""Who the customers are: personas, regions, and the population drawn from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from random import Random
from typing import Final

from agents.simulator.catalogue import PRODUCTS

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Persona:
    """A customer group. Shares and chances are in 0..1; ``journeys`` and ``support`` are relative weights."""

    name: str
    share: float
    activity: float
    """How often they turn up, relative to a regular customer."""
    web: float
    """Share of visits on the web site; the rest use the app."""
    buys: float
    """Chance that a visit goes as far as the checkout."""
    spend: float
    """Factor on list prices."""
    goodwill: float
    """Chance that an experience without trouble leaves them glad."""
    support: Mapping[str, float]
    """Channel → weight, for a request."""
    journeys: Mapping[str, float]
    """Script → weight."""


_JOURNEYS = {"visit": 58.0, "support": 17.0, "campaign": 11.0, "pulse": 6.0, "advocacy": 3.0, "store": 4.0}

PERSONAS: Final = (
    Persona(
        name="new",
        share=0.30,
        activity=0.8,
        web=0.65,
        buys=0.24,
        spend=0.7,
        goodwill=0.83,
        support={"chat": 50, "phone": 15, "email": 25, "social": 10},
        journeys={**_JOURNEYS, "membership": 12.0, "advocacy": 2.0},
    ),
    Persona(
        name="regular",
        share=0.50,
        activity=1.0,
        web=0.55,
        buys=0.34,
        spend=1.0,
        goodwill=0.87,
        support={"chat": 45, "phone": 22, "email": 25, "social": 8},
        journeys={**_JOURNEYS, "membership": 1.0},
    ),
    Persona(
        name="vip",
        share=0.08,
        activity=1.7,
        web=0.40,
        buys=0.48,
        spend=1.8,
        goodwill=0.92,
        support={"chat": 40, "phone": 40, "email": 15, "social": 5},
        journeys={**_JOURNEYS, "membership": 0.5, "advocacy": 6.0},
    ),
    Persona(
        name="business",
        share=0.12,
        activity=1.3,
        web=0.85,
        buys=0.40,
        spend=3.0,
        goodwill=0.86,
        support={"chat": 25, "phone": 35, "email": 38, "social": 2},
        journeys={**_JOURNEYS, "membership": 1.0, "support": 24.0, "store": 1.0},
    ),
)


@dataclass(frozen=True, slots=True)
class Region:
    """Where customers live: their share of all and their offset from UTC in hours."""

    name: str
    share: float
    utc_offset_h: int

    def activity(self, at_ms: int) -> float:
        """How busy it is there at an instant, around 1: busiest at 15:00 local time, quietest at 03:00."""
        hour = (at_ms / HOUR_MS + self.utc_offset_h) % 24
        return 1 + 0.5 * cos((hour - 15) * pi / 12)


REGIONS: Final = (Region("eu", 0.4, 1), Region("us", 0.3, -5), Region("apac", 0.18, 8), Region("latam", 0.12, -3))


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who keeps id, persona, region and a favourite product for good."""

    id: str
    persona: Persona
    region: Region
    favourite: str


def draw_customers(rng: Random, count: int) -> list[Customer]:
    """``count`` customers with ids ``c000000``, ``c000001`` …; the shares hold on average."""
    personas = rng.choices(PERSONAS, [persona.share for persona in PERSONAS], k=count)
    regions = rng.choices(REGIONS, [region.share for region in REGIONS], k=count)
    favourites = rng.choices(tuple(PRODUCTS), k=count)
    return [Customer(f"c{n:06d}", *traits) for n, traits in enumerate(zip(personas, regions, favourites, strict=True))]
