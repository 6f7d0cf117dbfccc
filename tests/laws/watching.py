"""An oracle for rules: evaluates every rule on every segment at every moment from scratch, from raw events.

It shares no code with what it judges but the description of rules and what alerts are made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist, fmean
from typing import NamedTuple

from schemas.cell import Segment
from stream.rules.rule import Condition, Rule

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SLICES = {"5m": (5 * MINUTE, 10 * SECOND), "15m": (15 * MINUTE, MINUTE), "1h": (HOUR, MINUTE), "12h": (12 * HOUR, HOUR)}
"""Length and steps of the windows that it knows; beside these, the day."""


class Raw(NamedTuple):
    """A touchpoint on a channel, with a score from 1 to 5; ``sign`` is -1 where one is taken back."""

    time_ms: int
    channel: str
    score: int
    sign: int = 1


class Found(NamedTuple):
    """What a condition finds: value, samples, what is measured, bounds of the interval, what was before."""

    value: float | None
    samples: int
    measured: float | None
    low: float | None = None
    high: float | None = None
    before: float | None = None


class Told(NamedTuple):
    """A transition."""

    at_ms: int
    alert: str
    segment: Segment
    state: str
    since_ms: int
    found: Found


@dataclass
class _Life:
    """Where an alert stands: since when it holds, whether it fires, and since when it does not hold while it fires."""

    held_ms: int | None = None
    fires: bool = False
    calm_ms: int | None = None


@dataclass
class Oracle:
    """All events so far, and what was observed at the end of each hour. ``offset_ms`` is that of the local clock."""

    rules: list[Rule]
    offset_ms: int = 0
    events: list[Raw] = field(default_factory=list)
    as_of_ms: int = 0
    _lives: dict[tuple[int, Segment], _Life] = field(default_factory=dict)
    _seen: dict[tuple[Condition, Segment], dict[int, float]] = field(default_factory=dict)

    def evaluate(self, now_ms: int) -> list[Told]:
        """What there is to tell of all moments since the last one."""
        told: list[Told] = []
        if self.as_of_ms:
            ticks = list(range(self.as_of_ms // 10_000 * 10_000 + 10_000, now_ms + 1, 10_000))
            for tick_ms in ticks[:: max(1, -(-len(ticks) // 360))]:
                told += self._moment(tick_ms, closed=True)
                self._learn(tick_ms)
                self.as_of_ms = tick_ms
        told += self._moment(now_ms, closed=False)
        self.as_of_ms = now_ms
        return told

    def _moment(self, now_ms: int, closed: bool) -> Iterator[Told]:
        for number, rule in enumerate(self.rules):
            for segment in self._segments(rule):
                yield from self._live(number, rule, segment, now_ms, closed)

    def _segments(self, rule: Rule) -> list[Segment]:
        if not rule.by:
            return [rule.segment]
        return [(("channel", name),) for name in sorted({event.channel for event in self.events})]

    def _live(self, number: int, rule: Rule, segment: Segment, now_ms: int, closed: bool) -> Iterator[Told]:
        life = self._lives.setdefault((number, segment), _Life())
        found = [self._find(each, segment, now_ms, closed) for each in rule.conditions]
        said = [_holds(each, what, life.fires) for each, what in zip(rule.conditions, found, strict=True)]
        holds = False if False in said else None if None in said else True
        if holds is None and rule.no_data == "keep":
            return
        if holds or (holds is None and rule.no_data == "alert"):
            life.calm_ms = None
            life.held_ms = now_ms if life.held_ms is None else life.held_ms
            if not life.fires and now_ms >= life.held_ms + rule.for_ms:
                life.fires = True
                yield Told(now_ms, rule.alert, segment, "firing", life.held_ms, found[0])
            return
        if life.fires:
            life.calm_ms = now_ms if life.calm_ms is None else life.calm_ms
            if now_ms < life.calm_ms + rule.keep_ms:
                return
            assert life.held_ms is not None
            yield Told(now_ms, rule.alert, segment, "resolved", life.held_ms, found[0])
        self._lives[number, segment] = _Life()

    def _find(self, condition: Condition, segment: Segment, now_ms: int, closed: bool) -> Found:
        start_ms, end_ms, earlier_ms = self._stretch(condition.window, now_ms, closed)
        value, n = self._value(condition.metric, segment, start_ms, end_ms)
        low, high = (None, None) if condition.confidence is None else _wilson(value, n, condition.confidence)
        if condition.of == "value" or value is None:
            return Found(value, n, value, low, high)
        if condition.of == "deviation":
            usual = self._usual(condition, segment, now_ms)
            return (
                Found(value, n, None)
                if usual is None
                else Found(value, n, (value - usual[0]) / usual[1], None, None, usual[0])
            )
        before, m = self._value(condition.metric, segment, earlier_ms, start_ms)
        if before is None or (condition.of == "relative_change" and before == 0):
            return Found(value, n, None)
        change = value - before
        return Found(value, min(n, m), change if condition.of == "change" else change / abs(before), None, None, before)

    def _stretch(self, window: str, now_ms: int, closed: bool) -> tuple[int, int, int]:
        """Start and end of a window, and the start of the one before."""
        length, steps = SLICES.get(window, (DAY, DAY))
        local = now_ms + self.offset_ms - (1 if closed else 0)
        end = local - local % steps + steps - self.offset_ms
        return end - length, now_ms if closed else end, end - 2 * length

    def _value(self, metric: str, segment: Segment, start_ms: int, end_ms: int) -> tuple[float | None, int]:
        wanted = dict(segment).get("channel")
        events = [e for e in self.events if start_ms <= e.time_ms < end_ms and wanted in (None, e.channel)]
        n = sum(event.sign for event in events)
        if n == 0:
            return None, 0
        if metric == "touchpoints":
            return float(n), n
        if metric == "csat_satisfied_ratio":
            return sum(event.sign for event in events if event.score >= 4) / n, n
        assert metric == "csat_score"
        return sum(event.sign * event.score for event in events) / n, n

    def _hour(self, window: str, now_ms: int) -> int:
        return (now_ms - min(SLICES[window][0], HOUR) // 2 + self.offset_ms) // HOUR

    def _learn(self, tick_ms: int) -> None:
        """At the first tick of an hour, what was there at the end of the one before."""
        if (tick_ms + self.offset_ms) // HOUR == (self.as_of_ms + self.offset_ms) // HOUR:
            return
        for rule in self.rules:
            for condition in rule.conditions:
                if condition.of == "deviation":
                    for segment in self._segments(rule):
                        start_ms, end_ms, _ = self._stretch(condition.window, tick_ms, closed=True)
                        value, n = self._value(condition.metric, segment, start_ms, end_ms)
                        if value is not None and n >= condition.min_samples:
                            seen = self._seen.setdefault((condition, segment), {})
                            seen[self._hour(condition.window, tick_ms)] = value

    def _usual(self, condition: Condition, segment: Segment, now_ms: int) -> tuple[float, float] | None:
        seen = self._seen.get((condition, segment), {})
        now = self._hour(condition.window, now_ms)
        means, variances = [], []
        for at in (now, now - 1, now + 1):
            weeks, mean, variance = _known(
                [seen[each] for each in sorted(seen) if (at - each) % 168 == 0 and each <= now - 24]
            )
            if at == now and weeks < max(2, condition.weeks):
                return None
            means.append(mean)
            if weeks >= 2:
                variances.append(variance * (weeks + 1) / (weeks - 1))
        return means[0], max(sqrt(fmean(variances)), abs(means[0]) / 100, 0.01)


def _known(values: list[float]) -> tuple[int, float, float]:
    """Weeks, mean and variance."""
    mean = variance = 0.0
    for weeks, value in enumerate(values):
        if weeks >= 3:
            most = 3 * max(sqrt(variance * (weeks + 1) / (weeks - 1)), abs(mean) / 100, 0.01)
            value = min(max(value, mean - most), mean + most)
        weight = max(1 / (weeks + 1), 0.125)
        apart = value - mean
        mean, variance = mean + weight * apart, (1 - weight) * (variance + weight * apart**2)
    return len(values), mean, variance


def _holds(condition: Condition, found: Found, fires: bool) -> bool | None:
    if found.measured is None or found.samples < condition.min_samples:
        return None
    sign = 1 if condition.side == "above" else -1
    if fires and condition.recover is not None:
        return sign * found.measured > sign * condition.recover
    if not sign * found.measured > sign * condition.bound:
        return False
    near = found.low if condition.side == "above" else found.high
    return fires or condition.confidence is None or (near is not None and sign * near > sign * condition.bound)


def _wilson(p: float | None, n: int, confidence: float) -> tuple[float | None, float | None]:
    """The two roots of (p - x)² = z² x (1 - x) / n."""
    if p is None:
        return None, None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    a, b, c = 1 + z**2 / n, -(2 * p + z**2 / n), p**2
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
