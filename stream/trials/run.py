"""Running a trial: the rules over values that are given, or over touchpoints in the pipeline; and what differs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from schemas.alert import FrictionAlert
from schemas.cell import Segment
from stream.config import Config
from stream.rules.alertstate import INACTIVE, AlertState, step
from stream.rules.rule import Rule, is_about
from stream.slices import TEN_SECONDS_MS
from stream.trials.rehearsal import Rehearsal
from stream.trials.trial import NOTHING, Course, Expected, Look, Standing, Trial

_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as expected. ``line`` is where that was expected, in the file of the trial."""

    trial: str
    at_ms: int
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where one alert stands."""

    alert: str
    state: Standing
    labels: dict[str, str]
    value: float | None


def run(trial: Trial, config: Config, rules: Sequence[Rule]) -> list[Difference]:
    """Everything that differs, look by look."""
    looks = sorted(trial.looks, key=lambda look: look.at_ms)
    found = _over_courses(trial, looks, rules) if trial.courses else _over_events(trial, looks, config, rules)
    return [
        Difference(trial.name, look.at_ms, line, what)
        for look, (states, frictions) in zip(looks, found, strict=True)
        for line, what in (*_alerts(look, _stands(states, rules)), *_frictions(look, frictions))
    ]


Found = tuple[dict[str, AlertState], list[FrictionAlert]]
"""Where alerts stand, by fingerprint, and what was told of friction."""


def _over_events(trial: Trial, looks: Sequence[Look], config: Config, rules: Sequence[Rule]) -> Iterator[Found]:
    rehearsal = Rehearsal(config, rules)
    left = list(trial.events)
    for look in looks:
        now_ms = trial.start_ms + look.at_ms
        rehearsal.take([event for event in left if event[0] <= now_ms], now_ms)
        left = [event for event in left if event[0] > now_ms]
        yield rehearsal.states(), rehearsal.frictions.copy()


def _over_courses(trial: Trial, looks: Sequence[Look], rules: Sequence[Rule]) -> Iterator[Found]:
    """Each rule on each segment that there is a course of, every ten seconds, as workers do.

    A rule of which there is no course is left out: it would find no data, which it may be there to tell of.
    """
    courses = {(each.metric, each.window, each.segment): each for each in trial.courses}
    pairs = [(rule, segment) for rule in rules for segment in _segments(rule, trial.courses)]
    fingerprints = [rule.fingerprint_of(segment) for rule, segment in pairs]
    states = dict.fromkeys(fingerprints, INACTIVE)
    next_ms = 0
    for look in looks:
        for passed_ms in chain(range(next_ms, look.at_ms, TEN_SECONDS_MS), (look.at_ms,)):
            for at, (rule, segment) in zip(fingerprints, pairs, strict=True):
                findings = [
                    NOTHING if course is None else course.finding(each, passed_ms)
                    for each in rule.conditions
                    for course in [courses.get((each.metric, each.window, segment))]
                ]
                states[at], _ = step(rule, segment, states[at], findings, trial.start_ms + passed_ms)
        next_ms = look.at_ms - look.at_ms % TEN_SECONDS_MS + TEN_SECONDS_MS
        yield states.copy(), []


def _segments(rule: Rule, courses: Sequence[Course]) -> list[Segment]:
    looked_at = {(each.metric, each.window) for each in rule.conditions}
    seen = dict.fromkeys(each.segment for each in courses if (each.metric, each.window) in looked_at)
    if not rule.by:
        return [rule.segment] if rule.segment in seen else []
    return [segment for segment in seen if is_about(rule, dict(segment))]


def _stands(states: Mapping[str, AlertState], rules: Sequence[Rule]) -> Iterator[_Stand]:
    for fingerprint, state in states.items():
        if state.status == "pending":
            yield _Stand(state.alert, "pending", _rule_of(fingerprint, state, rules).labels_of(state.segment), None)
        elif state.last:
            last = state.last[-1]
            yield _Stand(last.alert, last.state, last.labels, last.value)


def _rule_of(fingerprint: str, state: AlertState, rules: Sequence[Rule]) -> Rule:
    """The rule that an alert is by: several may have its name, and other labels."""
    about = (rule for rule in rules if rule.alert == state.alert and is_about(rule, dict(state.segment)))
    return next(rule for rule in about if rule.fingerprint_of(state.segment) == fingerprint)


def _alerts(look: Look, stands: Iterator[_Stand]) -> Iterator[tuple[int, str]]:
    if look.alerts is None:
        return
    left = list(stands)
    for expected in look.alerts:
        same = [each for each in left if each.alert == expected.alert and each.labels == expected.labels]
        fit = [each for each in same if each.state == expected.state]
        if not fit:
            others = ", ".join(each.state for each in same) or "not there"
            yield expected.line, f"{_named(expected)} should be {expected.state}, and is {others}"
            left = [each for each in left if each not in same]
            continue
        left.remove(fit[0])
        value = fit[0].value
        if expected.value is not None and not _is_close(value, expected.value):
            yield expected.line, f"{_named(expected)} should have the value {expected.value:g}, and has {_shown(value)}"
    for each in left:
        if each.state == "firing":
            yield look.line, f"{_named(each)} fires at {_shown(each.value)}, and should not"


def _is_close(value: float | None, expected: float) -> bool:
    return value is not None and math.isclose(value, expected, rel_tol=_CLOSE, abs_tol=1e-12)


def _shown(value: float | None) -> str:
    return "no value" if value is None else f"{value:g}"


def _named(alert: _Stand | Expected) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items())
    return f"{alert.alert}{{{labels}}}" if labels else alert.alert


def _frictions(look: Look, told: Sequence[FrictionAlert]) -> Iterator[tuple[int, str]]:
    if look.frictions is None:
        return
    last = {each.fingerprint: each for each in told}
    left = [(each.alert, each.customer, each.about) for each in last.values() if each.state == "firing"]
    for grief in look.frictions:
        fit = [each for each in left if each[:2] == (grief.signal, grief.customer) and grief.about in (None, each[2])]
        if fit:
            left.remove(fit[0])
        else:
            yield grief.line, f"{_felt(grief.signal, grief.customer, grief.about)} should be open, and is not"
    for each in left:
        yield look.line, f"{_felt(*each)} is open, and should not be"


def _felt(signal: str, customer: str, about: str | None) -> str:
    return f"friction {signal} of {customer}" + (f" about {about}" if about else "")
