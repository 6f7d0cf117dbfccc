"""Are two outcomes the same, and is either what the events say? Every difference is named.

Equal to the last byte must be: the state of customers, tickets and surveys; all cells of all resolutions, on their
topic and in the state of the agent `windows`; watermarks; every metric; which records were rejected and why. Cells in
that state are compared as long as they are kept at the later of both runs' event times, which goes on with the clock
when nothing comes.

Not all that is said of alerts can be: rules are tested several times a second on what has arrived by then, which faults
change. See ``_alerts`` for what must hold all the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.alert import AnyAlert, MetricAlert
from schemas.cell import CellKey, Segment
from schemas.metric import Metric
from stream.config import Config
from stream.slices import HOUR_MS
from tests.chaos.outcome import Outcome
from tests.chaos.story import Event

_MOST_NAMED = 5
Kept = Callable[[CellKey], bool]


@dataclass(frozen=True)
class Verdict:
    """``lost`` and ``doubled`` are touchpoints, by hour and segment against the events themselves."""

    lost: int
    doubled: int
    differences: list[str]

    @property
    def equal(self) -> bool:
        return not (self.lost or self.doubled or self.differences)


def judge(config: Config, calm: Outcome, rough: Outcome, events: list[Event]) -> Verdict:
    """``rough`` against ``calm``, its run without faults, and against the events."""
    lost, doubled = balance(rough, events, config)
    return Verdict(lost, doubled, list(_differences(config, calm, rough)))


def balance(outcome: Outcome, events: list[Event], config: Config) -> tuple[int, int]:
    """Touchpoints counted too rarely and too often: of all segmentations, the one that shows most."""
    expected: Counter[tuple[Segment, int]] = Counter()
    for event in events:
        for names in config.segmentations:
            if all(event.get(name) is not None for name in names):
                segment = tuple((name, event[name]) for name in names)
                expected[segment, config.calendar.slice_start_ms(HOUR_MS, event["time"])] += 1
    found: Counter[tuple[Segment, int]] = Counter()
    for key, counters in outcome.cells.items():
        if key.resolution_ms == HOUR_MS:
            found[key.segment, key.start_ms] += counters.get("touchpoints", 0)
    lost, doubled = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for place in expected.keys() | found.keys():
        names = tuple(name for name, _ in place[0])
        lost[names] += max(0, expected[place] - found[place])
        doubled[names] += max(0, found[place] - expected[place])
    return max(lost.values()), max(doubled.values())


def _differences(config: Config, calm: Outcome, rough: Outcome) -> Iterator[str]:
    if calm.touchpoints != rough.touchpoints:
        yield "the runs had different records: nothing can be said"
    yield from _named("state of customers", calm.customers, rough.customers)
    yield from _named("cells", calm.cells, rough.cells)
    as_of_ms = max(calm.as_of_ms, rough.as_of_ms)
    boards = [
        {key: counters for key, counters in outcome.boards.items() if _is_kept(config, key, as_of_ms)}
        for outcome in (calm, rough)
    ]
    yield from _named("state of windows", *boards)
    yield from _named("watermarks", calm.watermarks, rough.watermarks)
    yield from _named("metrics", _known(calm.metrics), _known(rough.metrics))
    if rough.unmended:
        yield f"cells: of {len(rough.unmended)} an older value stands last, as of {rough.unmended[:_MOST_NAMED]}"
    if calm.rejected != rough.rejected:
        yield from _named("rejected", dict.fromkeys(calm.rejected), dict.fromkeys(rough.rejected))
    yield from _alerts(calm, rough)


def _is_kept(config: Config, key: CellKey, as_of_ms: int) -> bool:
    end_ms = config.calendar.slice_end_ms(key.resolution_ms, key.start_ms)
    return end_ms > as_of_ms - config.retention_ms[key.resolution_ms]


def _known(metrics: Mapping[bytes, Metric]) -> dict[bytes, tuple[float, int, Any]]:
    """Value, samples and distribution; without those that have no data, which each new owner publishes once more."""
    return {key: (m.value, m.samples, m.distribution) for key, m in metrics.items() if m.value is not None}


def _named(what: str, calm: Mapping[Any, Any], rough: Mapping[Any, Any]) -> Iterator[str]:
    missing, extra = calm.keys() - rough.keys(), rough.keys() - calm.keys()
    other = [key for key in calm.keys() & rough.keys() if calm[key] != rough[key]]
    if missing or extra or other:
        shown = [f"{key}: {calm.get(key)} became {rough.get(key)}" for key in [*other, *missing, *extra][:_MOST_NAMED]]
        yield f"{what}: {len(missing)} missing, {len(extra)} extra, {len(other)} other; " + "; ".join(shown)


def _alerts(calm: Outcome, rough: Outcome) -> Iterator[str]:
    """Which rules fire when depends on what has arrived when they are tested; what must hold all the same:

    an id has one content; an alert's transitions come in order, with none left out; the state knows of no other last
    one; and in the end the same rules fire. A rule that can only fire once, and must, does so in both runs. Which
    friction there is in the end is not compared: it goes on with the clock.
    """
    by_id: dict[str, AnyAlert] = {}
    order: dict[str, list[str]] = {}
    for alert in rough.alerts:
        if by_id.setdefault(alert.id, alert) != alert:
            yield f"alert {alert.id} has two contents: {by_id[alert.id]} and {alert}"
        if alert.id not in order.setdefault(alert.fingerprint, []):
            order[alert.fingerprint].append(alert.id)
    for fingerprint, ids in order.items():
        wanted = [f"{fingerprint}-{n // 2 + 1}-{('firing', 'resolved')[n % 2]}" for n in range(len(ids))]
        if ids != wanted:
            yield f"the alert's transitions are {ids}, not {wanted}"
    for fingerprint, state in rough.standing.items():
        if state.last and order.get(fingerprint, [""])[-1] != state.last[-1].id:
            yield f"the state has {state.last[-1].id} last, subscribers have {order.get(fingerprint)}"
    if _firing(calm) != _firing(rough):
        yield f"firing in the end: {sorted(_firing(calm))} became {sorted(_firing(rough))}"
    if _once(calm) != _once(rough):
        yield f"what fires once: {sorted(_once(calm))} became {sorted(_once(rough))}"


def _firing(outcome: Outcome) -> set[str]:
    last = {alert.fingerprint: alert for alert in outcome.alerts if isinstance(alert, MetricAlert)}
    return {alert.alert for alert in last.values() if alert.state == "firing"}


def _once(outcome: Outcome) -> set[str]:
    return {alert.id for alert in outcome.alerts if alert.alert.startswith("Once")}
