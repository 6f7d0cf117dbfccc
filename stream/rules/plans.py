"""Plans: which rules look at a segment, put together by window and by what they measure.

Rules on one measure stand in order of their bounds, so that those which a value breaks are found without looking at the
others; of a calm value, all are passed over at once:

    below:  3  5 | 7        a value of 6 breaks those on the right of it,
    above:  4  5 | 8        and those on the left of it
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.cell import Segment
from stream.config import Config
from stream.metrics import Value
from stream.rules.rule import Condition, Measure, Rule, dimensions, is_about
from stream.windows import Window, known_window

Indexes = tuple[int, ...]
"""Rules, by where they stand among all."""
Placed = Iterable[tuple[int, Condition, bool]]
"""Conditions, each with its rule's index and whether that fires where there is no data."""


class Band:
    """The bounds of all rules on one measure."""

    __slots__ = ("_above", "_below", "_highest", "_lowest", "_missing", "measure")

    def __init__(self, measure: Measure, conditions: Placed) -> None:
        self.measure = measure
        given = list(conditions)
        self._above = sorted((each.bound, at) for at, each, _ in given if each.side == "above")
        self._below = sorted((each.bound, at) for at, each, _ in given if each.side == "below")
        self._lowest = [bound for bound, _ in self._above]
        self._highest = [bound for bound, _ in self._below]
        self._missing = [(each.min_samples, at) for at, each, fires in given if fires]

    def stirred(self, value: Value | None, measured: float | None) -> Sequence[int]:
        """The rules that may hold, seeing this; all others do not."""
        found: list[int] = []
        if measured is not None:
            if self._lowest and measured > self._lowest[0]:
                found += [at for _, at in self._above[: bisect_left(self._lowest, measured)]]
            if self._highest and measured < self._highest[-1]:
                found += [at for _, at in self._below[bisect_right(self._highest, measured) :]]
        if self._missing:
            samples = 0 if value is None or measured is None else value.samples
            found += [at for least, at in self._missing if samples < least]
        return found


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at over one window. ``has_change``: also over the one before; ``learnt``: what is learnt from."""

    window: Window
    bands: tuple[Band, ...]
    has_change: bool
    learnt: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at of a segment, window by window."""

    rules: Indexes
    looks: tuple[Look, ...]

    @property
    def learnt(self) -> tuple[Measure, ...]:
        """All that is learnt from."""
        return tuple(measure for look in self.looks for measure in look.learnt)


class Plans:
    """The rules of a board, by the segments that they look at. Segments with the same rules share a plan."""

    def __init__(self, config: Config, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._named: dict[str, list[int]] = {}
        self._fixed: dict[Segment, list[int]] = {}
        self._by: dict[tuple[str, ...], dict[Segment, list[int]]] = {}
        self._made: dict[Indexes, Plan] = {}
        for at, rule in enumerate(self.rules):
            self._named.setdefault(rule.alert, []).append(at)
            if not rule.by:
                self._fixed.setdefault(rule.segment, []).append(at)
                continue
            for names in config.segmentations:
                if set(names) == dimensions(rule):
                    self._by.setdefault(names, {}).setdefault(rule.segment, []).append(at)
                    break

    @property
    def fixed(self) -> Iterable[Segment]:
        """The segments that a rule names: they are looked at also where there is no data."""
        return self._fixed

    @property
    def learnt(self) -> set[Measure]:
        """What any rule learns from."""
        return {each.measure for rule in self.rules for each in rule.conditions if each.of == "deviation"}

    def of(self, segment: Segment, has_data: bool) -> Plan | None:
        """The plan of a segment; None where no rule looks at it."""
        indexes = list(self._fixed.get(segment, ()))
        if has_data:
            for where, by in self._by.get(tuple(name for name, _ in segment), {}).items():
                if set(where) <= set(segment):
                    indexes += by
        if not indexes:
            return None
        key = tuple(sorted(indexes))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._made_of(key)
        return found

    def rule_of(self, alert: str, segment: Segment, fingerprint: str) -> int | None:
        """The rule that an alert is by; None where there is none (any more)."""
        about = dict(segment)
        for at in self._named.get(alert, ()):
            if is_about(self.rules[at], about) and self.rules[at].fingerprint_of(segment) == fingerprint:
                return at
        return None

    def named(self, fingerprint: str) -> int | None:
        """The rule on one segment whose alert has this identity."""
        return next((at for at, r in enumerate(self.rules) if not r.by and r.fingerprint == fingerprint), None)

    def _made_of(self, indexes: Indexes) -> Plan:
        placed: dict[str, dict[Measure, list[tuple[int, Condition, bool]]]] = {}
        for at in indexes:
            rule = self.rules[at]
            for each in rule.conditions:
                by_measure = placed.setdefault(each.window, {})
                by_measure.setdefault(each.measure, []).append((at, each, rule.no_data == "alert"))
        return Plan(indexes, tuple(_look(window, by_measure) for window, by_measure in placed.items()))


def _look(window: str, by_measure: dict[Measure, list[tuple[int, Condition, bool]]]) -> Look:
    return Look(
        window=known_window(window),
        bands=tuple(Band(measure, conditions) for measure, conditions in by_measure.items()),
        has_change=any(measure.of in ("change", "relative_change") for measure in by_measure),
        learnt=tuple(measure for measure in by_measure if measure.of == "deviation"),
    )
