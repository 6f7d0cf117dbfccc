"""The faults of a run, from its seed: what happens when, and to which worker.

Workers are killed one, two or all at once. Beside what is planned here, workers kill
or stop themselves at the fault points of ``agents.faults``: between output and state, state and store, and amid a
rebalance. Whoever is stopped is woken when its partitions have long been another's: a zombie with a batch in its hand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

PLACES = 3
SESSION_S = 4
KILLS_PER_MINUTE = 8.0
POINTS = {
    "kill:after-output": 0.004,
    "kill:after-state": 0.004,
    "kill:after-store": 0.002,
    "kill:mid-rebalance": 0.02,
    "kill:windows-after-state": 0.001,
    "kill:windows-after-store": 0.001,
    "kill:windows-after-alerts": 0.02,
    "stop:after-output": 0.004,
    "stop:mid-rebalance": 0.02,
    "stop:windows-before-state": 0.002,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` befalls ``place`` at ``at_s`` of the run and lasts for ``for_s``."""

    at_s: float
    kind: str
    place: int
    for_s: float = 0.0


def plan(seed: int, minutes: float) -> list[Fault]:
    """Everything that is to happen in a run, in order."""
    rng, end_s = Random(f"{seed} faults"), 60 * minutes
    faults = [*_scaling(end_s), *_kills(rng, end_s), *_others(rng, end_s)]
    return sorted(faults, key=lambda fault: fault.at_s)


def points(seed: int, chances: Mapping[str, float]) -> str:
    """How likely a worker ends or stops where: a value for CXSTREAM_FAULTS."""
    return ",".join(f"{name}:{chance}:{seed}" for name, chance in chances.items())


def _scaling(end_s: float) -> Iterator[Fault]:
    """One worker, then three, then two."""
    yield Fault(0.08 * end_s, "add", 1)
    yield Fault(0.12 * end_s, "add", 2)
    yield Fault(0.75 * end_s, "remove", 1)


def _kills(rng: Random, end_s: float) -> Iterator[Fault]:
    left = max(2, round(KILLS_PER_MINUTE * end_s / 60))
    while left > 0:
        at_s = rng.uniform(0.1, 0.97) * end_s
        for place in rng.sample(range(PLACES), min(left, rng.choice((1, 2, 3)))):
            yield Fault(at_s, "kill", place)
            left -= 1


def _others(rng: Random, end_s: float) -> Iterator[Fault]:
    """Each kind in turn, again and again, with a pause in between; the broker is killed less often."""
    kinds = {
        "pause": (1.0, 1.0, 1),
        "silence": (1.5, 2.5, SESSION_S),
        "slow": (5.0, 10.0, 1),
        "lossy": (5.0, 10.0, 1),
        "broker": (0.5, 3.0, 1),
    }
    at_s, order, rounds = 0.15 * end_s, list(kinds), 0
    rng.shuffle(order)
    while True:
        rounds += 1
        for kind in order:
            if kind == "broker" and rounds % 2 == 0:
                continue
            shortest, longest, unit_s = kinds[kind]
            yield Fault(at_s, kind, rng.randrange(PLACES), rng.uniform(shortest, longest) * unit_s)
            at_s += rng.uniform(4.0, 9.0)
            if at_s > 0.95 * end_s:
                return
