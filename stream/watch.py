"""The watch: puts the rules of one partition of cells to the test as event time goes on.

Pure: it reads history, and keeps where alerts stand in the state of the board that it belongs to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from schemas.alert import MetricAlert
from schemas.cell import Segment
from stream.config import Config
from stream.history import History
from stream.metrics import Reading, Value, read_one
from stream.rules import INACTIVE, Rule, decode_alert_state, step
from stream.slices import TEN_SECONDS_MS
from stream.state import State
from stream.windows import known_window

ALERT = b"a"
"""First byte of the keys under which it is stored where alerts stand."""
_MOST_TICKS = 360
"""Ticks evaluated in one round. When catching up by more than an hour at once, rules see history in larger steps."""


@dataclass(slots=True)
class _Look:
    """What rules on one segment and window last looked at."""

    start_ms: int
    end_ms: int
    version: int
    reading: Reading
    values: dict[str, Value | None] = field(default_factory=dict)


class Watch:
    """The rules of one board over its history."""

    def __init__(self, config: Config, state: State, history: History, rules: Sequence[Rule]) -> None:
        self._calendar = config.calendar
        self._state = state
        self._history = history
        self._rules = tuple(rules)
        self._looks: dict[tuple[Segment, str], _Look] = {}
        self._told: dict[bytes, tuple[MetricAlert, ...]] = {}

    def evaluate(self, before_ms: int, now_ms: int) -> list[MetricAlert]:
        """Put every rule to the test at each tick after ``before_ms`` and at ``now_ms``; the transitions, in order."""
        self._told.clear()
        alerts = [alert for tick_ms in _ticks(before_ms, now_ms) for alert in self._test(tick_ms, closed=True)]
        return alerts + list(self._test(now_ms, closed=False))

    def _test(self, now_ms: int, closed: bool) -> Iterable[MetricAlert]:
        for rule in self._rules:
            key = ALERT + rule.fingerprint.encode()
            state = self._state.get(key, decode_alert_state) or INACTIVE
            value = self._tested(rule, now_ms, closed)
            new, alert = step(rule, state, value, now_ms)
            if alert is not None:
                self._told[key] = (*self._told.get(key, ()), alert)
                new = replace(new, last=self._told[key])
                yield alert
            if new is not state:
                self._state.put(key, new)

    def _tested(self, rule: Rule, now_ms: int, closed: bool) -> Value | None:
        """The value that a rule is about. Rules on the same segment and window share what is read."""
        window = known_window(rule.window)
        start_ms, end_ms = window.covered(self._calendar, now_ms, closed)
        place, version = (rule.segment, rule.window), self._history.versions.get(rule.segment, 0)
        known = self._looks.get(place)
        if known is None or (known.start_ms, known.end_ms, known.version) != (start_ms, end_ms, version):
            before_ms = window.before_ms(self._calendar, start_ms)
            reading = self._history.read(rule.segment, start_ms, end_ms, window.by_day, before_ms)
            known = self._looks[place] = _Look(start_ms, end_ms, version, reading)
        if rule.metric not in known.values:
            known.values[rule.metric] = read_one(rule.metric, known.reading)
        return known.values[rule.metric]

    def standing(self) -> list[MetricAlert]:
        """The last transitions of every alert: sent again after a restart, for what a crash kept from being sent."""
        states = (self._state.get(ALERT + rule.fingerprint.encode(), decode_alert_state) for rule in self._rules)
        return [alert for state in states if state is not None for alert in state.last]


def _ticks(before_ms: int, now_ms: int) -> range:
    """Every 10 s after ``before_ms`` up to ``now_ms``; fewer where that would be too many, or the start is unknown."""
    if before_ms == 0:
        return range(0)
    first_ms = before_ms - before_ms % TEN_SECONDS_MS + TEN_SECONDS_MS
    step_ms = TEN_SECONDS_MS * (1 + max(0, now_ms - first_ms) // (TEN_SECONDS_MS * _MOST_TICKS))
    return range(first_ms, now_ms + 1, step_ms)
