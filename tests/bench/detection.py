"""Found or not: a simulated day of 500 customers with ten incidents, through the pipeline; three lines of JSON.

`default` are the rules of `agents/rules/default.yaml`, `naive` the same ones without their guards (`confidence`,
`min_samples`, `for`, `recover`, `keep_firing_for`). Both see the same touchpoints, in event time. What counts:

- an incident is *found* by an alert that begins to fire within it or 15 minutes after it, with labels that all are the
  incident's, of a metric that such an incident moves; the delay is from its start;
- an alert that begins to fire while an incident can be seen (from its start to an hour after its end, three hours where
  support was slow), and whose labels do not contradict it, is its *effect*;
- every other firing is *false*.

Friction is of one customer, and so neither found nor false: said are the incidents in whose segment a signal of its
kind fired, after how long, and how many times as often as at other times such signals fired there.

    python -m tests.bench.detection --seeds 11,12,13
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, json

from agents.settings import load
from agents.simulator import Incident, Kind, Population, encode
from schemas.alert import Alert
from stream.config import Config
from stream.rules.rule import Rule
from stream.slices import HOUR_MS, MINUTE_MS
from stream.trials.rehearsal import Rehearsal
from tests.bench.incidents import AFTERMATH_MS, GRACE_MS, START, incidents

CUSTOMERS = 500
NAIVE = "Naive"
_ANSWERS = ("csat_", "ces_", "nps_")
MOVED: Mapping[Kind, tuple[str, ...]] = {
    Kind.BROKEN_CHECKOUT: (*_ANSWERS, "payment_", "goal_", "conversion_", "cart_", "purchases"),
    Kind.SLOW_SUPPORT: (*_ANSWERS, "wait_", "abandonment_", "first_reply_", "resolution_", "tickets_"),
    Kind.BAD_RELEASE: (*_ANSWERS, "goal_", "cart_", "purchases"),
}
"""How the metrics begin that an incident moves."""
FELT: Mapping[Kind, tuple[str, ...]] = {
    Kind.BROKEN_CHECKOUT: ("payment_failed", "hard_answer", "dissatisfied_answer", "repeated_error"),
    Kind.SLOW_SUPPORT: ("long_wait", "hard_answer", "dissatisfied_answer", "slow_first_reply"),
    Kind.BAD_RELEASE: ("app_crash", "hard_answer", "dissatisfied_answer", "detractor_answer"),
}
"""The signals of friction that customers in it have."""


class Found(Struct, kw_only=True):
    """What one set of rules made of one day. Delays are in minutes of event time."""

    name: str
    seed: int
    hours: int
    events: int
    incidents: int
    found: int
    missed: list[str]
    median_delay: float | None
    longest_delay: float | None
    firings: int
    false_a_day: float
    false: dict[str, int]


class Felt(Struct, kw_only=True):
    """What signals of friction made of it. ``times`` is how many times as often as usual they fired in an incident."""

    name: str
    seed: int
    incidents: int
    felt: int
    median_delay: float | None
    times: float | None
    firings_a_day: float


def unguarded(rule: Rule) -> Rule:
    """The same bound without anything that keeps an alert from coming and going."""
    also = tuple(replace(each, recover=None, min_samples=1, confidence=None) for each in rule.also)
    bare = replace(rule, recover=None, min_samples=1, confidence=None, for_ms=0, keep_ms=0, also=also, annotations=())
    return replace(bare, alert=NAIVE + rule.alert)


def is_in(alert: Alert, incident: Incident) -> bool:
    """Whether an alert is of the incident's own segment."""
    return bool(alert.labels) and all(incident.where.get(name) == value for name, value in alert.labels.items())


def contradicts(alert: Alert, incident: Incident) -> bool:
    """Whether an alert is of a segment that the incident cannot be seen in."""
    return any(incident.where.get(name, value) != value for name, value in alert.labels.items())


def judged(name: str, seed: int, hours: int, given: Sequence[Incident], rehearsal: Rehearsal, events: int) -> Found:
    """Which incidents were found, and what else fired."""
    naive = name == "naive"
    fired = [each for each in rehearsal.alerts if each.state == "firing" and each.alert.startswith(NAIVE) == naive]
    delays, missed = [], []
    for incident in given:
        hits = [
            each.at_ms
            for each in fired
            if incident.start_ms <= each.at_ms < incident.end_ms + GRACE_MS
            and is_in(each, incident)
            and each.metric.startswith(MOVED[incident.kind])
        ]
        if hits:
            delays.append((min(hits) - incident.start_ms) / MINUTE_MS)
        else:
            missed.append(" ".join([incident.kind, *incident.where.values()]))
    false: dict[str, int] = {}
    for each in fired:
        if not any(
            incident.start_ms <= each.at_ms < incident.end_ms + AFTERMATH_MS[incident.kind]
            and not contradicts(each, incident)
            for incident in given
        ):
            said = " ".join([each.alert.removeprefix(NAIVE), *each.labels.values()])
            false[said] = false.get(said, 0) + 1
    return Found(
        name=name,
        seed=seed,
        hours=hours,
        events=events,
        incidents=len(given),
        found=len(delays),
        missed=missed,
        median_delay=round(statistics.median(delays), 1) if delays else None,
        longest_delay=round(max(delays), 1) if delays else None,
        firings=len(fired),
        false_a_day=round(24 * sum(false.values()) / hours, 1),
        false=false,
    )


def felt(seed: int, hours: int, given: Sequence[Incident], rehearsal: Rehearsal) -> Felt:
    """What friction there was in the incidents' segments, then and else."""
    fired = [each for each in rehearsal.frictions if each.state == "firing"]
    delays, times = [], []
    for incident in given:
        of_kind = [
            each.at_ms
            for each in fired
            if each.alert in FELT[incident.kind]
            and all(each.labels.get(name, value) == value for name, value in incident.where.items())
        ]
        within = [at_ms for at_ms in of_kind if incident.start_ms <= at_ms < incident.end_ms]
        if within:
            delays.append((min(within) - incident.start_ms) / MINUTE_MS)
        usual = _calm(of_kind, given) / _calm_minutes(hours, given)
        if usual:
            times.append(len(within) / ((incident.end_ms - incident.start_ms) / MINUTE_MS) / usual)
    return Felt(
        name="friction",
        seed=seed,
        incidents=len(given),
        felt=len(delays),
        median_delay=round(statistics.median(delays), 1) if delays else None,
        times=round(statistics.median(times), 1) if times else None,
        firings_a_day=round(24 * len(fired) / hours),
    )


def _calm(moments: Sequence[int], given: Sequence[Incident]) -> int:
    return sum(1 for at_ms in moments if not any(_seen(each, at_ms) for each in given))


def _calm_minutes(hours: int, given: Sequence[Incident]) -> int:
    return max(1, _calm(range(START, START + hours * HOUR_MS, MINUTE_MS), given))


def _seen(incident: Incident, at_ms: int) -> bool:
    return incident.start_ms <= at_ms < incident.end_ms + HOUR_MS


def run(seed: int, hours: int = 24, calm: bool = False) -> Iterator[Found | Felt]:
    """A day, or the first hours of one; a ``calm`` one has no incidents."""
    rules = load(environment={}).rules
    given = [] if calm else incidents(seed, hours)
    population = Population(seed, CUSTOMERS, START, hours * HOUR_MS, incidents=given)
    rehearsal = Rehearsal(Config(), [*rules, *map(unguarded, rules)])
    events = [(record.time_ms, record.value) for record in encode(population) if record.value is not None]
    rehearsal.play(events)
    assert not rehearsal.rejected, rehearsal.rejected[:3]
    yield judged("default", seed, hours, given, rehearsal, len(events))
    yield judged("naive", seed, hours, given, rehearsal, len(events))
    yield felt(seed, hours, given, rehearsal)


def main() -> None:
    """Play the days that are asked for."""
    parser = argparse.ArgumentParser(prog="bench.detection", description=__doc__)
    parser.add_argument("--seeds", default="11")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--calm", action="store_true", help="without incidents: whatever fires is false")
    given = parser.parse_args()
    for seed in given.seeds.split(","):
        for found in run(int(seed), given.hours, given.calm):
            sys.stdout.write(json.encode(found).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
