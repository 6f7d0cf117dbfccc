"""Rules: one pure transition from a value to an alert's next state, with Prometheus' semantics."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import orjson
from msgspec import Struct, msgpack

from schemas.alert import MetricAlert
from schemas.cell import Segment
from stream.metrics import Value
from stream.versions import Shape


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold on one metric of one segment over one window.

    The alert fires once the value has been ``above`` or ``below`` the ``bound`` for ``for_ms``, resting on at least
    ``min_samples``; it resolves when that no longer holds, or when there is no more data.
    """

    alert: str
    metric: str
    window: str
    condition: Literal["above", "below"]
    bound: float
    segment: Segment = ()
    min_samples: int = 1
    for_ms: int = 0
    severity: str = "warning"
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """The alert's identity: from name and labels alone.

        >>> Rule("LowCsat", "csat_score", "1h", "below", 7).fingerprint
        'c13e2c11849905a7'
        """
        identity = orjson.dumps([self.alert, [list(pair) for pair in self.segment]])
        return blake2b(identity, digest_size=8).hexdigest()

    def holds(self, value: Value | None) -> bool:
        """True where the value breaks the threshold and rests on enough."""
        if value is None or value.samples < self.min_samples:
            return False
        return value.value > self.bound if self.condition == "above" else value.value < self.bound


class AlertState(Struct, array_like=True, frozen=True):
    """Where an alert stands. ``since_ms`` is when its condition began to hold, ``sequence`` how often it has fired.

    ``last`` are its transitions in the round of tests in which it last changed, kept so that they can be sent again.
    """

    status: Literal["inactive", "pending", "firing"] = "inactive"
    since_ms: int = 0
    sequence: int = 0
    last: tuple[MetricAlert, ...] = ()

    def encode(self) -> bytes:
        return _SHAPE.encode(msgpack.encode(self))


def _all_of_last(old: list[Any]) -> list[Any]:
    """Version 1 kept the very last transition, or None."""
    *others, last = old
    return [*others, [] if last is None else [last]]


_SHAPE = Shape(msgpack.Decoder(AlertState).decode, _all_of_last)
INACTIVE = AlertState()
decode_alert_state = _SHAPE.decode


def step(rule: Rule, state: AlertState, value: Value | None, now_ms: int) -> tuple[AlertState, MetricAlert | None]:
    """The state at ``now_ms``, and the transition to tell subscribers, if there is one.

    ``now_ms`` never goes back between calls.
    """
    if not rule.holds(value):
        if state.status != "firing":
            calm = state if state.status == "inactive" else AlertState("inactive", 0, state.sequence, state.last)
            return calm, None
        alert = _transition(rule, "resolved", state.sequence, state.since_ms, now_ms, value)
        return AlertState("inactive", 0, state.sequence, (alert,)), alert
    since_ms = now_ms if state.status == "inactive" else state.since_ms
    if state.status == "firing":
        return state, None
    if now_ms - since_ms < rule.for_ms:
        return AlertState("pending", since_ms, state.sequence, state.last), None
    alert = _transition(rule, "firing", state.sequence + 1, since_ms, now_ms, value)
    return AlertState("firing", since_ms, state.sequence + 1, (alert,)), alert


def _transition(
    rule: Rule, state: Literal["firing", "resolved"], sequence: int, since_ms: int, at_ms: int, value: Value | None
) -> MetricAlert:
    fingerprint = rule.fingerprint
    return MetricAlert(
        id=f"{fingerprint}-{sequence}-{state}",
        fingerprint=fingerprint,
        alert=rule.alert,
        state=state,
        severity=rule.severity,
        labels=dict(rule.segment),
        metric=rule.metric,
        window=rule.window,
        condition=rule.condition,
        bound=rule.bound,
        value=None if value is None else value.value,
        samples=0 if value is None else value.samples,
        sequence=sequence,
        since_ms=since_ms,
        at_ms=at_ms,
        annotations=dict(rule.annotations),
    )
