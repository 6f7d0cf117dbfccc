"""The life of an alert: one transition at a time, as a table."""

from dataclasses import replace

import pytest
from msgspec import structs

from schemas.alert import MetricAlert
from stream.metrics import Value
from stream.rules import alertstate
from stream.rules.alertstate import INACTIVE, AlertState, decode_alert_state, due_ms, withdraw
from stream.rules.rule import Condition, Finding, Rule

BELOW = Rule("LowCsat", "csat_score", "1h", "below", 7.0)
ABOVE = replace(BELOW, condition="above")
PATIENT = replace(BELOW, for_ms=60_000)
STICKY = replace(BELOW, recover=8.0)
KEEPING = replace(BELOW, keep_ms=60_000)
SURE = replace(BELOW, confidence=0.9)
BOTH = replace(BELOW, also=(Condition("csat_score", "5m", "below", 6.0),))

LOW, HIGH, SAME, NOTHING = Value(5.0, 10), Value(9.0, 10), Value(7.0, 10), None
BETWEEN = Value(7.5, 10)
Seen = Value | Finding | tuple[Value | Finding | None, ...] | None
Steps = list[tuple[int, Seen, str, str | None]]
"""Time in seconds, what is found, status after it, and the transition that is told (or None)."""


def finding(seen: Value | Finding | None) -> Finding:
    return seen if isinstance(seen, Finding) else Finding(seen, None if seen is None else seen.value)


def step(rule: Rule, state: AlertState, seen: Seen, now_ms: int) -> tuple[AlertState, MetricAlert | None]:
    findings = [finding(each) for each in (seen if isinstance(seen, tuple) else (seen,))]
    return alertstate.step(rule, rule.segment, state, findings, now_ms)


def sure(value: float, low: float, high: float) -> Finding:
    return Finding(Value(value, 10), value, low, high)


ALONE = Finding(Value(5.0, 1), 5.0)
"""A single value, of which there is no interval."""
TABLE: dict[str, tuple[Rule, Steps]] = {
    "an alert without `for` fires at once and resolves at once": (
        BELOW,
        [(10, LOW, "firing", "firing"), (20, LOW, "firing", None), (30, HIGH, "inactive", "resolved")],
    ),
    "an alert with `for` is pending until it has held that long": (
        PATIENT,
        [(10, LOW, "pending", None), (69, LOW, "pending", None), (70, LOW, "firing", "firing")],
    ),
    "a pending alert that no longer holds is told to nobody and starts anew": (
        PATIENT,
        [
            (10, LOW, "pending", None),
            (60, HIGH, "inactive", None),
            (70, LOW, "pending", None),
            (129, LOW, "pending", None),
            (130, LOW, "firing", "firing"),
        ],
    ),
    "no data ends a pending alert": (PATIENT, [(10, LOW, "pending", None), (20, NOTHING, "inactive", None)]),
    "no data resolves a firing alert": (
        BELOW,
        [(10, LOW, "firing", "firing"), (20, NOTHING, "inactive", "resolved"), (30, NOTHING, "inactive", None)],
    ),
    "no data raises nothing": (BELOW, [(10, NOTHING, "inactive", None)]),
    "a value on the bound does not break it": (BELOW, [(10, SAME, "inactive", None)]),
    "a value on the bound resolves": (BELOW, [(10, LOW, "firing", "firing"), (20, SAME, "inactive", "resolved")]),
    "above is the other side": (ABOVE, [(10, HIGH, "firing", "firing"), (20, SAME, "inactive", "resolved")]),
    "too few samples raise nothing": (replace(BELOW, min_samples=11), [(10, LOW, "inactive", None)]),
    "enough samples raise": (replace(BELOW, min_samples=10), [(10, LOW, "firing", "firing")]),
    "samples that become too few resolve": (
        replace(BELOW, min_samples=10),
        [(10, LOW, "firing", "firing"), (20, Value(5.0, 9), "inactive", "resolved")],
    ),
    "an alert fires again after it was resolved": (
        BELOW,
        [(10, LOW, "firing", "firing"), (20, HIGH, "inactive", "resolved"), (30, LOW, "firing", "firing")],
    ),
    "a changing value that still breaks the bound is no news": (
        BELOW,
        [(10, LOW, "firing", "firing"), (20, Value(1.0, 99), "firing", None)],
    ),
    "one moment is enough for all": (
        BELOW,
        [(10, LOW, "firing", "firing"), (10, HIGH, "inactive", "resolved"), (10, LOW, "firing", "firing")],
    ),
    "with a recovery bound, an alert goes on between the two": (
        STICKY,
        [(10, LOW, "firing", "firing"), (20, BETWEEN, "firing", None), (30, HIGH, "inactive", "resolved")],
    ),
    "a value on the recovery bound resolves": (
        STICKY,
        [(10, LOW, "firing", "firing"), (20, Value(8.0, 10), "inactive", "resolved")],
    ),
    "between the two nothing begins": (STICKY, [(10, BETWEEN, "inactive", None)]),
    "between the two a pending alert ends": (
        replace(STICKY, for_ms=60_000),
        [(10, LOW, "pending", None), (20, BETWEEN, "inactive", None)],
    ),
    "the recovery bound of above is below it": (
        replace(ABOVE, recover=6.0),
        [(10, HIGH, "firing", "firing"), (20, SAME, "firing", None), (30, LOW, "inactive", "resolved")],
    ),
    "an alert that is kept firing resolves once it was calm for so long": (
        KEEPING,
        [
            (10, LOW, "firing", "firing"),
            (20, HIGH, "firing", None),
            (79, HIGH, "firing", None),
            (80, HIGH, "inactive", "resolved"),
        ],
    ),
    "what breaks the bound again is kept firing anew": (
        KEEPING,
        [
            (10, LOW, "firing", "firing"),
            (20, HIGH, "firing", None),
            (70, LOW, "firing", None),
            (80, HIGH, "firing", None),
            (139, HIGH, "firing", None),
            (140, HIGH, "inactive", "resolved"),
        ],
    ),
    "no data is calm for one that is kept firing": (
        KEEPING,
        [(10, LOW, "firing", "firing"), (20, NOTHING, "firing", None), (80, NOTHING, "inactive", "resolved")],
    ),
    "no data keeps what is kept without data": (
        replace(BELOW, no_data="keep"),
        [
            (10, NOTHING, "inactive", None),
            (20, LOW, "firing", "firing"),
            (30, NOTHING, "firing", None),
            (40, Value(9.0, 0), "firing", None),
            (50, HIGH, "inactive", "resolved"),
        ],
    ),
    "no data keeps a pending alert pending, and its time goes on": (
        replace(PATIENT, no_data="keep"),
        [
            (10, LOW, "pending", None),
            (80, NOTHING, "pending", None),
            (90, LOW, "firing", "firing"),
        ],
    ),
    "no data can be what an alert is about": (
        replace(PATIENT, no_data="alert"),
        [
            (10, NOTHING, "pending", None),
            (70, NOTHING, "firing", "firing"),
            (80, LOW, "firing", None),
            (90, HIGH, "inactive", "resolved"),
        ],
    ),
    "a value that may be on either side of the bound raises nothing": (SURE, [(10, sure(6, 4, 8), "inactive", None)]),
    "a value that is surely beyond the bound raises": (SURE, [(10, sure(5, 4, 6.9), "firing", "firing")]),
    "an interval that ends on the bound is not beyond it": (SURE, [(10, sure(6, 5, 7), "inactive", None)]),
    "for above it is the lower bound that counts": (
        replace(ABOVE, confidence=0.9),
        [(10, sure(8, 6.9, 9), "inactive", None), (20, sure(8, 7.1, 9), "firing", "firing")],
    ),
    "once it fires, it need not be sure any more": (
        SURE,
        [
            (10, sure(5, 4, 6), "firing", "firing"),
            (20, sure(6, 4, 8), "firing", None),
            (30, HIGH, "inactive", "resolved"),
        ],
    ),
    "too few for an interval are data, and show nothing: only where there really is none, `no_data: alert` fires": (
        replace(SURE, no_data="alert"),
        [(10, ALONE, "inactive", None), (20, NOTHING, "firing", "firing"), (30, ALONE, "firing", None)],
    ),
    "too few for an interval end a pending alert, whatever is made of no data": (
        replace(SURE, no_data="keep", for_ms=60_000),
        [(10, sure(5, 4, 6), "pending", None), (20, NOTHING, "pending", None), (30, ALONE, "inactive", None)],
    ),
    "too few for an interval are calm beside others without data": (
        replace(SURE, no_data="alert", also=BOTH.also),
        [(10, (ALONE, NOTHING), "inactive", None), (20, (NOTHING, NOTHING), "firing", "firing")],
    ),
    "all conditions must hold": (
        BOTH,
        [
            (10, (LOW, HIGH), "inactive", None),
            (20, (HIGH, LOW), "inactive", None),
            (30, (LOW, LOW), "firing", "firing"),
            (40, (LOW, HIGH), "inactive", "resolved"),
        ],
    ),
    "one that is calm says more than one without data": (
        replace(BOTH, no_data="alert"),
        [(10, (NOTHING, HIGH), "inactive", None), (20, (LOW, NOTHING), "firing", "firing")],
    ),
    "each condition recovers where it says": (
        replace(BOTH, recover=8.0),
        [
            (10, (LOW, LOW), "firing", "firing"),
            (20, (BETWEEN, LOW), "firing", None),
            (30, (LOW, SAME), "inactive", "resolved"),
        ],
    ),
    "what is measured counts, not the value": (
        replace(BELOW, bound=-0.2, of="relative_change"),
        [(10, Finding(HIGH, -0.3, before=12.8), "firing", "firing"), (20, Finding(HIGH, -0.1), "inactive", "resolved")],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_transitions(name: str) -> None:
    rule, steps = TABLE[name]
    state = INACTIVE
    for at_s, value, status, told in steps:
        state, alert = step(rule, state, value, at_s * 1000)
        assert (state.status, alert.state if alert else None) == (status, told), f"at {at_s} s"
        assert decode_alert_state(state.encode()) == state


def test_an_alert_says_since_when_it_held_and_when_it_changed() -> None:
    state, _ = step(PATIENT, INACTIVE, LOW, 10_000)
    state, fired = step(PATIENT, state, Value(4.0, 12), 75_000)
    _, resolved = step(PATIENT, state, HIGH, 90_000)
    assert fired is not None
    assert (fired.since_ms, fired.at_ms, fired.value, fired.samples) == (10_000, 75_000, 4.0, 12)
    assert resolved is not None
    assert (resolved.since_ms, resolved.at_ms, resolved.value, resolved.samples) == (10_000, 90_000, 9.0, 10)


def test_an_alert_without_data_resolves_without_a_value() -> None:
    state, _ = step(BELOW, INACTIVE, LOW, 1)
    _, alert = step(BELOW, state, None, 2)
    assert alert is not None
    assert (alert.value, alert.samples) == (None, 0)


def test_firings_are_numbered_and_a_resolution_has_the_number_of_its_firing() -> None:
    state, ids = INACTIVE, []
    for at_ms, value in enumerate([LOW, HIGH, LOW, HIGH, HIGH, LOW]):
        state, alert = step(BELOW, state, value, at_ms)
        ids += [(alert.sequence, alert.state)] if alert else []
    assert ids == [(1, "firing"), (1, "resolved"), (2, "firing"), (2, "resolved"), (3, "firing")]


def test_a_pending_time_keeps_the_number_and_the_last_transition() -> None:
    state, fired = step(BELOW, INACTIVE, LOW, 1)
    state, resolved = step(BELOW, state, HIGH, 2)
    state, _ = step(replace(BELOW, for_ms=99), state, LOW, 3)
    assert (state.status, state.sequence, state.last) == ("pending", 1, (resolved,))
    assert fired is not None


def test_the_same_values_give_the_same_ids_again() -> None:
    def ids() -> list[str]:
        state, found = INACTIVE, []
        for at_ms, value in enumerate([LOW, HIGH, LOW]):
            state, alert = step(BELOW, state, value, at_ms)
            found += [alert.id] if alert else []
        return found

    assert ids() == ids()
    assert len(set(ids())) == 3


def test_a_state_read_back_from_the_store_goes_on_the_same_way() -> None:
    state, _ = step(BELOW, INACTIVE, LOW, 1)
    assert step(BELOW, decode_alert_state(state.encode()), HIGH, 2) == step(BELOW, state, HIGH, 2)


def test_identity_comes_from_name_and_labels_alone() -> None:
    same = [
        replace(BELOW, bound=1.0),
        replace(BELOW, window="5m"),
        replace(BELOW, metric="nps_score"),
        replace(BELOW, severity="critical"),
        replace(BELOW, for_ms=5),
        replace(BELOW, annotations=(("a", "b"),)),
    ]
    other = [replace(BELOW, alert="Else"), replace(BELOW, segment=(("channel", "web"),))]
    assert {rule.fingerprint for rule in same} == {BELOW.fingerprint}
    assert len({BELOW.fingerprint, *(rule.fingerprint for rule in other)}) == 3


def test_labels_that_only_look_alike_have_other_identities() -> None:
    one = replace(BELOW, segment=(("channel", "a"), ("region", "b")))
    two = replace(BELOW, segment=(("channel", 'a"],["region","b'),))
    assert one.fingerprint != two.fingerprint


def test_an_alert_carries_what_its_rule_says() -> None:
    rule = replace(BELOW, segment=(("channel", "web"),), severity="critical", annotations=(("summary", "text"),))
    _, alert = step(rule, INACTIVE, LOW, 5)
    assert alert is not None
    told = structs.asdict(alert)
    assert (told["labels"], told["annotations"]) == ({"channel": "web"}, {"summary": "text"})
    assert (told["alert"], told["metric"], told["window"]) == ("LowCsat", "csat_score", "1h")
    assert (told["condition"], told["bound"], told["severity"]) == ("below", 7.0, "critical")
    assert told["fingerprint"] == rule.fingerprint
    assert told["id"].startswith(rule.fingerprint)


def test_labels_of_the_rule_are_part_of_the_identity_and_of_the_alert() -> None:
    rule = replace(BELOW, segment=(("channel", "web"),), labels=(("team", "shop"),))
    _, alert = step(rule, INACTIVE, LOW, 5)
    assert alert is not None
    assert alert.labels == {"channel": "web", "team": "shop"}
    assert rule.fingerprint != replace(rule, labels=()).fingerprint
    assert alert.fingerprint == rule.fingerprint


def test_the_order_of_labels_does_not_matter() -> None:
    labels = (("a", "1"), ("b", "2"))
    assert replace(BELOW, labels=labels).fingerprint == replace(BELOW, labels=labels[::-1]).fingerprint


def test_identities_of_earlier_releases_stay_as_they_are() -> None:
    on_web = replace(BELOW, segment=(("channel", "web"),))
    assert (BELOW.fingerprint, on_web.fingerprint) == ("c13e2c11849905a7", "f01ec9c93db22683")


def test_an_alert_says_what_was_measured_between_which_bounds_and_where_to_look() -> None:
    rule = replace(SURE, recover=8.0, link="https://wiki/csat", also=BOTH.also)
    state, alert = step(rule, INACTIVE, (sure(5, float("-inf"), 6), LOW), 5)
    assert alert is not None
    assert (alert.low, alert.high, alert.recover, alert.link) == (None, 6, 8.0, "https://wiki/csat")
    assert (alert.of, alert.measured, alert.before) == ("value", 5, None)
    (further,) = alert.also
    assert (further.window, further.bound, further.value, further.samples) == ("5m", 6.0, 5.0, 10)
    assert decode_alert_state(state.encode()).last == (alert,)


def test_an_alert_says_in_words_what_was_found_in_the_unit_of_its_metric() -> None:
    template = "{alert}: {value} of {samples} in {window} on {channel} for {team}, {low} to {high}, under {bound}"
    rule = Rule(
        "Sad",
        "csat_satisfied_ratio",
        "1h",
        "below",
        0.6,
        (("channel", "web"),),
        confidence=0.9,
        recover=0.7,
        labels=(("team", "shop"),),
        annotations=(("summary", template), ("calm", "from {recover}")),
    )
    _, alert = step(rule, INACTIVE, Finding(Value(0.5, 1_200), 0.5, 0.476, 0.524), 5)
    assert alert is not None
    assert alert.annotations == {
        "summary": "Sad: 50.0 % of 1,200 in 1h on web for shop, 47.6 % to 52.4 %, under 60.0 %",
        "calm": "from 70.0 %",
    }


@pytest.mark.parametrize(
    ("rule", "found", "text"),
    [
        (
            Rule("A", "wait_mean_seconds", "1h", "above", 0.5, of="relative_change"),
            Finding(Value(90.0, 3), 0.8, before=50.0),
            "1m 30s was 50s: +80.0 % over +50.0 %",
        ),
        (
            Rule("A", "csat_satisfied_ratio", "1h", "below", -0.1, of="change"),
            Finding(Value(0.5, 3), -0.25, before=0.75),
            "50.0 % was 75.0 %: -25.0 % over -10.0 %",
        ),
    ],
)
def test_a_change_is_written_with_what_was_before(rule: Rule, found: Finding, text: str) -> None:
    template = (("summary", "{value} was {before}: {change} over {bound}"),)
    _, alert = step(replace(rule, annotations=template), INACTIVE, found, 5)
    assert alert is not None
    assert alert.annotations == {"summary": text}


def test_a_deviation_is_written_in_spreads() -> None:
    rule = Rule("A", "touchpoints", "1h", "below", -3.0, of="deviation")
    template = (("summary", "{value}, usually {usual}: {deviation} under {bound}"),)
    _, alert = step(replace(rule, annotations=template), INACTIVE, Finding(Value(12, 12), -4.25, before=310.4), 5)
    assert alert is not None
    assert alert.annotations == {"summary": "12, usually 310: -4.2 under -3.0"}


def test_an_alert_whose_ground_is_gone_is_resolved_without_a_value_and_says_why() -> None:
    state, fired = step(BELOW, INACTIVE, LOW, 10)
    calm, resolved = withdraw(state, 20, "the rule was removed")
    assert fired is not None
    assert resolved is not None
    assert (resolved.id, resolved.state, resolved.at_ms, resolved.since_ms) == (
        f"{BELOW.fingerprint}-1-resolved",
        "resolved",
        20,
        10,
    )
    assert (resolved.value, resolved.samples, resolved.reason) == (None, 0, "the rule was removed")
    assert (calm.status, calm.last) == ("inactive", (resolved,))
    assert withdraw(calm, 30, "again") == (calm, None)


def test_a_pending_alert_whose_ground_is_gone_leaves_nothing() -> None:
    state, _ = step(PATIENT, INACTIVE, LOW, 10)
    assert withdraw(state, 20, "the rule was removed") == (INACTIVE, None)


def test_it_is_known_when_an_alert_changes_by_itself() -> None:
    pending, _ = step(PATIENT, INACTIVE, LOW, 10_000)
    firing, _ = step(KEEPING, INACTIVE, LOW, 10_000)
    calm, _ = step(KEEPING, firing, HIGH, 20_000)
    assert (due_ms(PATIENT, pending), due_ms(KEEPING, firing), due_ms(KEEPING, calm)) == (70_000, None, 80_000)
    assert due_ms(KEEPING, INACTIVE) is None


def test_what_never_fired_is_not_worth_keeping() -> None:
    state, _ = step(PATIENT, INACTIVE, LOW, 10)
    state, _ = step(PATIENT, state, HIGH, 20)
    assert state == INACTIVE


def test_nothing_changes_while_nothing_happens() -> None:
    assert step(BELOW, INACTIVE, HIGH, 5) == (INACTIVE, None)
    state = AlertState("firing", 1, 1)
    assert step(BELOW, state, LOW, 9)[0] is state
