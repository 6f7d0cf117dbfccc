"""Who starts which journey: by region and time of day, by persona, and by what they have done before."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Final

from agents.simulator.persona import REGIONS, Customer
from schemas.email import EmailBounced, EmailUnsubscribed
from schemas.touchpoint import Touchpoint

RHYTHM_MS: Final = 600_000
"""How often the share of each region is looked up anew."""


class Cast:
    """Chooses who starts what, and remembers what a customer does only once."""

    def __init__(self, customers: Sequence[Customer]) -> None:
        self._by_region = [[customer for customer in customers if customer.region is region] for region in REGIONS]
        self._activity = [list(accumulate(c.persona.activity for c in group)) for group in self._by_region]
        self._members: set[str] = set()
        self._unreachable: set[str] = set()
        self._until_ms = -1
        self._regions: list[float] = []

    def next(self, rng: Random, now_ms: int) -> tuple[Customer, str]:
        """Somebody from a region where people are awake, and a journey as their persona likes them."""
        if now_ms >= self._until_ms:
            self._until_ms = now_ms - now_ms % RHYTHM_MS + RHYTHM_MS
            busy = (
                (activity[-1] * region.activity(now_ms) if activity else 0.0)
                for region, activity in zip(REGIONS, self._activity, strict=True)
            )
            self._regions = list(accumulate(busy))
        group = rng.choices(range(len(REGIONS)), cum_weights=self._regions)[0]
        customer = rng.choices(self._by_region[group], cum_weights=self._activity[group])[0]
        journeys = customer.persona.journeys
        script = rng.choices(tuple(journeys), tuple(journeys.values()))[0]
        if script == "campaign" and customer.id in self._unreachable:
            return customer, "visit"
        if script == "membership":
            if customer.id in self._members:
                return customer, "visit"
            self._members.add(customer.id)
        return customer, script

    def remember(self, customer: Customer, events: Sequence[Touchpoint]) -> None:
        """Note whom campaigns no longer reach."""
        if isinstance(events[-1], EmailUnsubscribed | EmailBounced):
            self._unreachable.add(customer.id)
