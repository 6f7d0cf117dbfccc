"""A look back: what rules would have told, seeing only what is still kept of a stretch of time.

Slices are kept for the longer the coarser they are, so rules are tested as often as there are edges of slices:

    |--day--|--day--|-hour-|-hour-|min|min|··|   every day, then every hour, every minute, every 10 s

and a rule is tested from when on all that it looks at can be read at each of these moments: one over 15 minutes
cannot where there are hours only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.alert import MetricAlert
from stream.config import Config, Segmentation
from stream.ranges import Ledger
from stream.rules.rule import Condition, Rule, dimensions
from stream.rules.watch import Watch
from stream.slices import DAY_MS, EARLIEST_MS
from stream.spans import Span
from stream.state import State
from stream.windows import known_window


@dataclass(slots=True)
class Seen:
    """What would have been told, and when the first test of each rule was, by its index: None where there was none."""

    alerts: list[MetricAlert] = field(default_factory=list)
    tested_ms: dict[int, int | None] = field(default_factory=dict)


def look_back(
    config: Config, rules: Sequence[Rule], ledgers: Mapping[Segmentation, Ledger], start_ms: int, end_ms: int
) -> Seen:
    """Test rules over [start, end); ``ledgers`` are what is kept, by segmentation. ``tested_ms``: by rule."""
    seen = Seen()
    for names, ledger in ledgers.items():
        own = {at: rule for at, rule in enumerate(rules) if dimensions(rule) == set(names)}
        ticks = list(ledger.ticks(start_ms, end_ms, _reach_ms(config, own.values())))
        _look_back(config, own, ledger, ticks, seen)
    seen.alerts.sort(key=lambda alert: alert.at_ms)
    return seen


def _reach_ms(config: Config, rules: Iterable[Rule]) -> dict[int, int]:
    """How long the windows are that consist of slices of each resolution, with those before if need be."""
    found: dict[int, int] = {}
    for each in (condition for rule in rules for condition in rule.conditions):
        window = known_window(each.window)
        start_ms, end_ms = window.interval(config.calendar, EARLIEST_MS + 31 * DAY_MS)
        length_ms = (end_ms - start_ms) * (1 if each.of == "value" else 2)
        found[window.slice_ms] = max(found.get(window.slice_ms, 0), length_ms)
    return {resolution_ms: length_ms for resolution_ms, length_ms in found.items() if resolution_ms < DAY_MS}


def _look_back(config: Config, rules: Mapping[int, Rule], ledger: Ledger, ticks: Sequence[int], seen: Seen) -> None:
    begins = {at: _begin(config, rule, ledger, ticks) for at, rule in rules.items()}
    seen.tested_ms |= begins
    watch = Watch(config, State(lambda key: None), ledger, ())
    for tick_ms in ticks:
        if tick_ms in begins.values():
            watch.take_over([rule for at, rule in rules.items() if (begin := begins[at]) and begin <= tick_ms])
        seen.alerts += watch.look_back(tick_ms)


def _begin(config: Config, rule: Rule, ledger: Ledger, ticks: Sequence[int]) -> int | None:
    """The moment from which on all that a rule looks at can be read."""
    found: int | None = None
    for tick_ms in reversed(ticks):
        if not all(_can_read(config, each, ledger, tick_ms) for each in rule.conditions):
            break
        found = tick_ms
    return found


def _can_read(config: Config, condition: Condition, ledger: Ledger, tick_ms: int) -> bool:
    """What is usual cannot be read: weeks of hours would have to be kept."""
    if condition.of == "deviation":
        return False
    window = known_window(condition.window)
    start_ms, end_ms = window.covered(config.calendar, tick_ms, closed=True)
    if window.by_day or condition.of != "value":
        start_ms, _ = window.previous(config.calendar, start_ms)
    return ledger.holds(Span(window.name, start_ms, end_ms, window.by_day))
