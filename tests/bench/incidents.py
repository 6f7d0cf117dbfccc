"""A day with ten incidents of known kind, time and segment, and what an alert has to do with them."""

from collections.abc import Mapping
from random import Random

from agents.simulator import Incident, Kind
from stream.slices import HOUR_MS, MINUTE_MS

START = 1_773_964_800_000
"""A Friday, 00:00 UTC."""
_PLACES: tuple[tuple[Kind, Mapping[str, str]], ...] = (
    (Kind.BROKEN_CHECKOUT, {"channel": "web"}),
    (Kind.BROKEN_CHECKOUT, {"channel": "web", "product": "phone"}),
    (Kind.BROKEN_CHECKOUT, {"channel": "web", "segment": "vip"}),
    (Kind.BROKEN_CHECKOUT, {"channel": "app", "region": "eu"}),
    (Kind.SLOW_SUPPORT, {"channel": "chat"}),
    (Kind.SLOW_SUPPORT, {"channel": "phone"}),
    (Kind.SLOW_SUPPORT, {"channel": "email", "region": "us"}),
    (Kind.SLOW_SUPPORT, {"channel": "chat", "segment": "business"}),
    (Kind.BAD_RELEASE, {"channel": "app"}),
    (Kind.BAD_RELEASE, {"channel": "app", "region": "apac"}),
)
GRACE_MS = 15 * MINUTE_MS
"""For so long after an incident an alert still counts as having found it: customers answer later."""
AFTERMATH_MS: Mapping[Kind, int] = {
    Kind.BROKEN_CHECKOUT: HOUR_MS,
    Kind.SLOW_SUPPORT: 3 * HOUR_MS,
    Kind.BAD_RELEASE: HOUR_MS,
}
"""For so long after its end an incident can be seen: an hour's window, and tickets that take eight times as long."""


def incidents(seed: int, hours: int = 24) -> list[Incident]:
    """Incidents of 20 to 40 minutes, one after the other in any order, as many as have room: ten in 24 hours."""
    random = Random(f"incidents {seed}")
    slots = int((hours - 1) / 2.25)
    places = random.sample(_PLACES, len(_PLACES))[:slots]
    found = []
    for slot, (kind, where) in enumerate(places):
        start_ms = START + HOUR_MS + int(2.25 * HOUR_MS) * slot + random.randrange(45) * MINUTE_MS
        minutes = random.randint(20, 40)
        severity, surge = random.uniform(0.5, 0.95), random.uniform(0.05, 0.15)
        found.append(Incident(kind, start_ms, start_ms + minutes * MINUTE_MS, where, severity, surge))
    return found
