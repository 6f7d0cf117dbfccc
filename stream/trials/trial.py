"""Trials of rules: what is given, at which moments it is looked at, and what is expected to be there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.cell import Segment
from stream.metrics import UNITS, Reading, Value
from stream.rules.intervals import interval
from stream.rules.rule import Condition, Finding
from stream.rules.students import t_quantile
from stream.trials.rehearsal import Timed

Standing = Literal["firing", "pending", "resolved"]


@dataclass(frozen=True, slots=True)
class Course:
    """The values of a metric over a window, each held for ``step_ms``; after the last one there is no data.

    ``samples`` are as many. ``before`` are the values of the window before, or the usual ones; ``spread`` is the
    standard deviation of single samples, or the usual spread.
    """

    metric: str
    window: str
    segment: Segment
    step_ms: int
    values: tuple[float | None, ...]
    samples: tuple[int, ...]
    before: tuple[float | None, ...] = ()
    spread: float | None = None

    def finding(self, condition: Condition, passed_ms: int) -> Finding:
        """What a condition finds, so long after the start."""
        at = passed_ms // self.step_ms
        value = self.values[at] if at < len(self.values) else None
        if value is None:
            return NOTHING
        found = Value(value, self.samples[at])
        before = self.before[at] if at < len(self.before) else None
        low, high = self._bounds(found, condition.confidence)
        return Finding(found, self._measured(condition, value, before), low, high, before)

    def _measured(self, condition: Condition, value: float, before: float | None) -> float | None:
        if condition.of == "value":
            return value
        if before is None or (condition.of == "relative_change" and not before):
            return None
        change = value - before
        if condition.of == "deviation":
            return None if not self.spread else change / self.spread
        return change if condition.of == "change" else change / abs(before)

    def _bounds(self, found: Value, confidence: float | None) -> tuple[float | None, float | None]:
        if confidence is None:
            return None, None
        if self.spread is None:
            return interval(self.metric, found, Reading({}), confidence) or (None, None)
        if found.samples < 2:
            return None, None
        reach = t_quantile(confidence, found.samples - 1) * self.spread / found.samples**0.5
        return found.value - reach, found.value + reach


NOTHING = Finding(None, None)


def is_share(metric: str) -> bool:
    """Whether the interval of a metric follows from value and samples alone."""
    return UNITS[metric] == "ratio"


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert about a metric that is to be there; ``value`` is that of its last change of state (None: any)."""

    alert: str
    state: Standing = "firing"
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Grief:
    """Friction that is to be open."""

    signal: str
    customer: str
    about: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A moment, so long after the start. ``alerts`` are all that fire, ``frictions`` all that are open (None: any).

    Of alerts that are pending or resolved, those that are expected must be there; others may.
    """

    at_ms: int
    alerts: tuple[Expected, ...] | None
    frictions: tuple[Grief, ...] | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What is given from ``start_ms`` on: either ``courses`` or ``events``, in order of their times."""

    name: str
    start_ms: int
    looks: tuple[Look, ...]
    courses: tuple[Course, ...] = ()
    events: tuple[Timed, ...] = ()
    line: int = 0
