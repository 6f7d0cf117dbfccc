"""One journey while it is played: a customer, dice, a clock that only scripts move, and what has happened so far."""

from collections.abc import Mapping, Sequence
from math import log
from random import Random
from typing import Any, Final, TypeVar

from agents.simulator.incident import Incident, Kind
from agents.simulator.persona import Customer
from schemas.touchpoint import Touchpoint

T = TypeVar("T")

_SOURCES: Final[Mapping[str, str]] = {
    "chat": "intercom",
    "email": "mailchimp",
    "call": "aircall",
    "visit": "segment",
    "goal": "segment",
    "purchase": "shopify",
    "ticket": "zendesk",
    "survey": "delighted",
    "review": "trustpilot",
    "social": "brandwatch",
    "account": "stripe",
}
"""Family of the type → the system that it would come from."""


class Scene:
    """A journey of ``customer`` from ``now_ms`` on. Scripts wait, roll dice and emit; ``events`` is in time order.

    ``ticket``, ``session`` and ``team`` go into every touchpoint while they are set. ``surge`` marks a journey that an
    incident drew: its customer came because of the trouble, so scripts steer straight into it.
    """

    __slots__ = (
        "_incidents",
        "_name",
        "_numbers",
        "customer",
        "events",
        "now_ms",
        "product",
        "rng",
        "session",
        "surge",
        "team",
        "ticket",
    )

    def __init__(
        self,
        name: str,
        customer: Customer,
        product: str,
        now_ms: int,
        rng: Random,
        incidents: Sequence[Incident] = (),
        *,
        surge: bool = False,
    ) -> None:
        self.customer, self.product, self.now_ms, self.rng, self.surge = customer, product, now_ms, rng, surge
        self.ticket: str | None = None
        self.session: str | None = None
        self.team: str | None = None
        self.events: list[Touchpoint] = []
        self._name, self._numbers, self._incidents = name, 0, incidents

    def emit(self, kind: type[Touchpoint], channel: str, /, **fields: Any) -> None:
        """Let a touchpoint happen now. Its id follows from the journey and its place in it."""
        customer = self.customer
        self.events.append(
            kind(
                id=f"{self._name}-{len(self.events)}",
                time_ms=self.now_ms,
                customer=customer.id,
                channel=channel,
                segment=customer.persona.name,
                region=customer.region.name,
                product=self.product,
                source=_source(kind),
                team=self.team,
                ticket=self.ticket,
                session=self.session,
                **fields,
            )
        )

    def wait(self, median_s: float, sigma: float = 0.6) -> int:
        """Let a log-normal time pass, at least a millisecond; returns it in milliseconds."""
        passed_ms = 1 + int(1000 * self.rng.lognormvariate(log(median_s), sigma))
        self.now_ms += passed_ms
        return passed_ms

    def chance(self, probability: float) -> bool:
        """True with ``probability``."""
        return self.rng.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``, all equally likely."""
        return options[int(self.rng.random() * len(options))]

    def weighted(self, weights: Mapping[str, float]) -> str:
        """A key of ``weights``, as likely as its weight."""
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]

    def number(self, letter: str) -> str:
        """A new identifier (ticket, session, order …) that no other journey has."""
        self._numbers += 1
        return f"{letter}-{self._name}-{self._numbers}"

    def trouble(self, channel: str, *kinds: Kind) -> bool:
        """Whether an incident of one of ``kinds`` (of any, if none is named) spoils this moment in ``channel``."""
        return any(
            (not kinds or incident.kind in kinds)
            and incident.covers(self.now_ms, channel, self.product)
            and self.rng.random() < incident.severity
            for incident in self._incidents
        )


_SOURCE_OF: Final[dict[type[Touchpoint], str]] = {}


def _source(kind: type[Touchpoint]) -> str:
    if kind not in _SOURCE_OF:
        _SOURCE_OF[kind] = _SOURCES[str(kind.__struct_config__.tag).partition(".")[0]]
    return _SOURCE_OF[kind]
