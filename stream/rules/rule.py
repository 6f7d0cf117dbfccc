"""Rules: what must hold of which metrics, for how long, for an alert to fire; and who the alert is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple

import orjson

from schemas.cell import Segment
from stream.metrics import Value

Side = Literal["above", "below"]
Of = Literal["value", "change", "relative_change", "deviation"]
"""What is compared with the bound: the value, its change against the window before (in the metric's unit, or as a share
of the earlier value), or its deviation from the usual, in spreads."""
NoData = Literal["resolve", "keep", "alert"]


class Measure(NamedTuple):
    """What can be compared with bounds. ``least`` is how many samples a value must rest on to be learnt from."""

    metric: str
    window: str
    of: Of = "value"
    least: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition found. ``measured`` is what its bound is compared with; None where there is no data.

    ``low`` and ``high`` are the bounds of the value's confidence interval where the condition asks for one (None: there
    are too few samples). ``before`` is the value of the window before, or the usual one.
    """

    value: Value | None
    measured: float | None
    low: float | None = None
    high: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A threshold on one measure. ``recover`` is where it is calm again once the alert fires, ``bound`` if None."""

    metric: str
    window: str
    side: Side
    bound: float
    recover: float | None = None
    of: Of = "value"
    min_samples: int = 1
    confidence: float | None = None
    weeks: int = 0

    @property
    def measure(self) -> Measure:
        """What it looks at."""
        return Measure(self.metric, self.window, self.of, self.min_samples if self.of == "deviation" else 0)

    def holds(self, found: Finding, is_firing: bool = False) -> bool | None:
        """Whether the threshold is broken; None where the data do not say.

        To fire, the interval must have crossed the bound where there is a ``confidence``, and so there must be one: too
        few values for an interval are data all the same, which do not show that the bound is crossed. To go on firing,
        the value must not have come back to where it recovers.
        """
        if found.value is None or found.measured is None or found.value.samples < self.min_samples:
            return None
        if is_firing:
            return self._beyond(found.measured, self.bound if self.recover is None else self.recover)
        if self.confidence is None or not self._beyond(found.measured, self.bound):
            return self._beyond(found.measured, self.bound)
        near = found.low if self.side == "above" else found.high
        return near is not None and self._beyond(near, self.bound)

    def _beyond(self, value: float, bound: float) -> bool:
        return value > bound if self.side == "above" else value < bound


@dataclass(frozen=True, slots=True)
class Rule:
    """Thresholds on metrics of a segment, or of each segment of a segmentation.

    The alert fires once the value has been ``above`` or ``below`` the ``bound`` for ``for_ms``, resting on at least
    ``min_samples``; it resolves when that has not held for ``keep_ms``. ``no_data`` is what is made of too few samples.
    ``also`` are further conditions that must hold at the same time. ``by`` are dimensions of which each value has an
    alert of its own; ``segment`` fixes the others. ``labels`` are the rule's own.
    """

    alert: str
    metric: str
    window: str
    condition: Side
    bound: float
    segment: Segment = ()
    min_samples: int = 1
    for_ms: int = 0
    severity: str = "warning"
    annotations: tuple[tuple[str, str], ...] = ()
    recover: float | None = None
    of: Of = "value"
    confidence: float | None = None
    weeks: int = 0
    also: tuple[Condition, ...] = ()
    by: tuple[str, ...] = ()
    keep_ms: int = 0
    no_data: NoData = "resolve"
    labels: tuple[tuple[str, str], ...] = ()
    link: str = ""
    conditions: tuple[Condition, ...] = field(init=False, repr=False, compare=False)
    """All of them, its own first."""

    def __post_init__(self) -> None:
        first = Condition(
            metric=self.metric,
            window=self.window,
            side=self.condition,
            bound=self.bound,
            recover=self.recover,
            of=self.of,
            min_samples=self.min_samples,
            confidence=self.confidence,
            weeks=self.weeks,
        )
        object.__setattr__(self, "conditions", (first, *self.also))

    @property
    def fingerprint(self) -> str:
        """The identity of the alert on its own segment.

        >>> Rule("LowCsat", "csat_score", "1h", "below", 7).fingerprint
        'c13e2c11849905a7'
        """
        return self.fingerprint_of(self.segment)

    def fingerprint_of(self, segment: Segment) -> str:
        """The alert's identity: from name and labels alone."""
        identity = orjson.dumps([self.alert, [list(pair) for pair in (*segment, *sorted(self.labels))]])
        return blake2b(identity, digest_size=8).hexdigest()

    def labels_of(self, segment: Segment) -> dict[str, str]:
        """The alert's labels: its segment's, and the rule's own."""
        return {**dict(segment), **dict(self.labels)}

    def holds(self, findings: Sequence[Finding], is_firing: bool = False) -> bool | None:
        """Whether all conditions hold; None where none is calm and the data do not say of some."""
        said = [each.holds(found, is_firing) for each, found in zip(self.conditions, findings, strict=True)]
        if False in said:
            return False
        return None if None in said else True


def dimensions(rule: Rule) -> set[str]:
    """All dimensions of the segments that a rule is about."""
    return {*rule.by, *(name for name, _ in rule.segment)}


def is_about(rule: Rule, segment: Mapping[str, str]) -> bool:
    """Whether a rule looks at a segment."""
    return segment.keys() == dimensions(rule) and all(segment[name] == value for name, value in rule.segment)
