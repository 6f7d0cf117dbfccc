"""An alert's life: one pure transition from what its rule finds to where it stands next, as Prometheus has it.

inactive ── holds ──► pending ── for ``for`` ──► firing ── calm for ``keep_firing_for`` ──► inactive (resolved)
    ▲                    │                          │
    └────── calm ────────┘                          └── holds again: goes on firing
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct, msgpack
from msgspec.structs import replace

from schemas.alert import Further, MetricAlert
from schemas.cell import Segment
from stream.rules.rule import Condition, Finding, Rule
from stream.rules.wording import worded
from stream.versions import Shape


class AlertState(Struct, array_like=True, frozen=True):
    """Where an alert stands. ``since_ms`` is when its condition began to hold, ``sequence`` the last firing's number.

    ``last`` are its transitions in the round of tests in which it last changed, kept so that they can be sent again.
    ``calm_ms`` is since when it fires though its condition does not hold; 0 where it does. ``alert`` and ``segment``
    say whose state it is (states of earlier releases do not).
    """

    status: Literal["inactive", "pending", "firing"] = "inactive"
    since_ms: int = 0
    sequence: int = 0
    last: tuple[MetricAlert, ...] = ()
    calm_ms: int = 0
    alert: str = ""
    segment: Segment = ()

    def encode(self) -> bytes:
        return _SHAPE.encode(msgpack.encode(self))


def _all_of_last(old: list[Any]) -> list[Any]:
    """Version 1 kept the very last transition, or None."""
    *others, last = old
    return [*others, [] if last is None else [last]]


_SHAPE = Shape(msgpack.Decoder(AlertState).decode, _all_of_last)
INACTIVE = AlertState()
decode_alert_state = _SHAPE.decode
Stepped = tuple[AlertState, MetricAlert | None]


def step(rule: Rule, segment: Segment, state: AlertState, findings: Sequence[Finding], now_ms: int) -> Stepped:
    """The state at ``now_ms``, and the transition to tell subscribers, if there is one.

    ``findings`` are those of the rule's conditions, in order. ``now_ms`` never goes back between calls.
    """
    holds = rule.holds(findings, state.status == "firing")
    if holds is None:
        if rule.no_data == "keep":
            return state, None
        holds = rule.no_data == "alert"
    if state.status == "firing":
        return _go_on(state) if holds else _calm(rule, segment, state, findings, now_ms)
    if not holds:
        return (state if state.status == "inactive" else _inactive(state, state.last)), None
    since_ms = now_ms if state.status == "inactive" else state.since_ms
    if now_ms - since_ms < rule.for_ms:
        if state.status == "pending":
            return state, None
        return replace(state, status="pending", since_ms=since_ms, alert=rule.alert, segment=segment), None
    alert = _transition(rule, segment, "firing", state.sequence + 1, since_ms, now_ms, findings)
    return AlertState("firing", since_ms, state.sequence + 1, (alert,), 0, rule.alert, segment), alert


def due_ms(rule: Rule, state: AlertState) -> int | None:
    """When an alert changes though nothing else does; None where it does not."""
    if state.status == "pending":
        return state.since_ms + rule.for_ms
    return state.calm_ms + rule.keep_ms if state.status == "firing" and state.calm_ms else None


def withdraw(state: AlertState, now_ms: int, reason: str) -> Stepped:
    """Resolve an alert whose ground is gone: its rule, or its segment. Never before it fired, wherever time stands."""
    if state.status != "firing":
        return _inactive(state, state.last), None
    fired = state.last[-1]
    alert = replace(
        fired,
        id=f"{fired.fingerprint}-{state.sequence}-resolved",
        state="resolved",
        at_ms=max(now_ms, fired.at_ms),
        value=None,
        samples=0,
        measured=None,
        low=None,
        high=None,
        before=None,
        reason=reason,
    )
    return _inactive(state, (alert,)), alert


def _go_on(state: AlertState) -> Stepped:
    return (replace(state, calm_ms=0) if state.calm_ms else state), None


def _calm(rule: Rule, segment: Segment, state: AlertState, findings: Sequence[Finding], now_ms: int) -> Stepped:
    """The condition does not hold (any more) while the alert fires."""
    calm_ms = state.calm_ms or now_ms
    if now_ms - calm_ms < rule.keep_ms:
        return (state if state.calm_ms else replace(state, calm_ms=calm_ms)), None
    alert = _transition(rule, segment, "resolved", state.sequence, state.since_ms, now_ms, findings)
    return _inactive(state, (alert,)), alert


def _inactive(state: AlertState, last: tuple[MetricAlert, ...]) -> AlertState:
    """Firings stay numbered; what never fired leaves nothing behind."""
    if not last:
        return INACTIVE
    return AlertState("inactive", 0, state.sequence, last, 0, state.alert, state.segment)


def _transition(
    rule: Rule,
    segment: Segment,
    state: Literal["firing", "resolved"],
    sequence: int,
    since_ms: int,
    at_ms: int,
    findings: Sequence[Finding],
) -> MetricAlert:
    fingerprint, found = rule.fingerprint_of(segment), findings[0]
    pairs = list(zip(rule.conditions, findings, strict=True))
    return MetricAlert(
        id=f"{fingerprint}-{sequence}-{state}",
        fingerprint=fingerprint,
        alert=rule.alert,
        state=state,
        severity=rule.severity,
        labels=rule.labels_of(segment),
        sequence=sequence,
        since_ms=since_ms,
        at_ms=at_ms,
        annotations=worded(rule, segment, found),
        recover=rule.recover,
        low=_finite(found.low),
        high=_finite(found.high),
        before=found.before,
        also=tuple(Further(**_found(*each)) for each in pairs[1:]),
        link=rule.link or None,
        **_found(*pairs[0]),
    )


def _finite(bound: float | None) -> float | None:
    return None if bound is None or math.isinf(bound) else bound


def _found(condition: Condition, found: Finding) -> dict[str, Any]:
    """What an alert says of each of its conditions."""
    return {
        "metric": condition.metric,
        "window": condition.window,
        "of": condition.of,
        "condition": condition.side,
        "bound": condition.bound,
        "value": None if found.value is None else found.value.value,
        "samples": 0 if found.value is None else found.value.samples,
        "measured": found.measured,
    }
