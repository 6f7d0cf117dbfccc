"""The life of an alert: one transition at a time, as a table."""

from dataclasses import replace

import pytest
from msgspec import structs

from stream.metrics import Value
from stream.rules import INACTIVE, AlertState, Rule, decode_alert_state, step

BELOW = Rule("LowCsat", "csat_score", "1h", "below", 7.0)
ABOVE = replace(BELOW, condition="above")
PATIENT = replace(BELOW, for_ms=60_000)

LOW, HIGH, SAME, NOTHING = Value(5.0, 10), Value(9.0, 10), Value(7.0, 10), None
Steps = list[tuple[int, Value | None, str, str | None]]
"""Time in seconds, value, status after it, and the transition that is told (or None)."""

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


def test_nothing_changes_while_nothing_happens() -> None:
    assert step(BELOW, INACTIVE, HIGH, 5) == (INACTIVE, None)
    state = AlertState("firing", 1, 1)
    assert step(BELOW, state, LOW, 9)[0] is state
