"""Firings: how often and for how long alerts fired in a stretch of time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.alert import Alert


@dataclass(slots=True)
class Firings:
    """Those of one alert, in milliseconds.

    ``first_ms`` and ``last_ms`` are when it began to fire for the first and the last time. What fired already at the
    start, or still does at the end, counts for as long as it did within the stretch.
    """

    alert: str
    labels: dict[str, str] = field(default_factory=dict)
    times: int = 0
    total_ms: int = 0
    longest_ms: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    goes_on: bool = False

    def add(self, begin_ms: int, end_ms: int) -> None:
        self.times += 1
        self.total_ms += end_ms - begin_ms
        self.longest_ms = max(self.longest_ms, end_ms - begin_ms)
        self.first_ms = begin_ms if self.first_ms is None else self.first_ms
        self.last_ms = begin_ms


def firings(told: Iterable[Alert], start_ms: int, end_ms: int) -> list[Firings]:
    """What transitions, in order of their times, come to in [start, end); by name and labels."""
    found: dict[str, Firings] = {}
    since_ms: dict[str, int] = {}
    for each in told:
        of_it = found.setdefault(each.fingerprint, Firings(each.alert, each.labels))
        if each.state == "firing":
            since_ms[each.fingerprint] = each.at_ms
        elif (began_ms := since_ms.pop(each.fingerprint, None)) is not None:
            _add(of_it, began_ms, each.at_ms, start_ms, end_ms)
    for fingerprint, began_ms in since_ms.items():
        _add(found[fingerprint], began_ms, end_ms, start_ms, end_ms)
    fired = (each for each in found.values() if each.times)
    return sorted(fired, key=lambda each: (each.alert, sorted(each.labels.items())))


def _add(to: Firings, began_ms: int, ended_ms: int, start_ms: int, end_ms: int) -> None:
    """One firing, as far as it was within the stretch."""
    if began_ms < end_ms and ended_ms > start_ms:
        to.add(max(began_ms, start_ms), min(ended_ms, end_ms))
        to.goes_on = ended_ms >= end_ms
