"""Maintenance: stretches of the week in which certain alerts are expected, and suppressed."""

from dataclasses import dataclass

from schemas.handling import Matcher
from stream.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Alerts that all ``matchers`` fit (none: all alerts) are suppressed within the hours of ``schedule``."""

    name: str
    schedule: Schedule
    matchers: tuple[Matcher, ...] = ()

    def is_on(self, now_ms: int) -> bool:
        """Does it go on at this moment?"""
        return self.schedule.within_ms(now_ms, now_ms + 1) > 0
