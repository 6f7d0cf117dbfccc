"""How open alerts stand: pushed at one moment, looked at at others; and laws against a naive oracle."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement, Silence
from stream.desk.escalation import escalated
from stream.desk.handling import OpenAlerts, Policy
from stream.desk.inhibition import Inhibition
from stream.desk.maintenance import Maintenance
from stream.desk.matcher import parse
from stream.schedule import Schedule, Week
from stream.slices import HOUR_MS, MINUTE_MS, Calendar
from tests.alerts import T0_MS, friction, metric


def silence(start: int, end: int, *matchers: str, id: str = "s") -> Silence:  # noqa: A002 - its field's name
    found = tuple(map(parse, matchers))
    return Silence(id=id, by="ann", matchers=found, starts_ms=T0_MS + start, ends_ms=T0_MS + end)


def ack(fingerprint: str, sequence: int = 1) -> Acknowledgement:
    return Acknowledgement(by="ann", fingerprint=fingerprint, sequence=sequence, at_ms=T0_MS)


def statuses(alerts: OpenAlerts, at: int) -> dict[str, str]:
    return {key: known.status for key, known in alerts.view(T0_MS + at).items()}


def hear(alerts: OpenAlerts, *several: AnyAlert, at: int = 0) -> None:
    for alert in several:
        alerts.hear(alert, T0_MS + at)


# Pushed at one moment, expected between others


def test_a_silence_suppresses_from_its_start_until_its_end() -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, metric("A", labels={"region": "eu"}), metric("A", labels={"region": "us"}))
    alerts.handle(silence(10, 20, "region=eu"))
    found = [statuses(alerts, at)["A/region=eu"] for at in (9, 10, 19, 20)]
    assert found == ["active", "suppressed", "suppressed", "active"]
    assert statuses(alerts, 15)["A/region=us"] == "active"
    assert alerts.view(T0_MS + 15)["A/region=eu"].silenced_by == ("s",)


def test_a_silence_ends_early_when_it_is_written_again() -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, metric("A"))
    alerts.handle(silence(0, 100, "alertname=A"))
    assert statuses(alerts, 50) == {"A": "suppressed"}
    alerts.handle(silence(0, 60, "alertname=A"))
    assert [statuses(alerts, at)["A"] for at in (59, 60)] == ["suppressed", "active"]
    alerts.handle(silence(0, 100, "alertname=A"))
    alerts.withdraw("silence:s")
    assert statuses(alerts, 50) == {"A": "active"}


def test_an_acknowledgement_is_about_one_firing() -> None:
    alerts = OpenAlerts(Policy())
    alerts.handle(ack("A"))
    hear(alerts, metric("A"))
    assert statuses(alerts, 0) == {"A": "acknowledged"}
    hear(alerts, metric("A", "resolved"))
    assert statuses(alerts, 0) == {}
    hear(alerts, metric("A", sequence=2))
    assert statuses(alerts, 0) == {"A": "active"}


def test_it_is_known_how_long_it_took_until_somebody_took_an_alert_on() -> None:
    alerts = OpenAlerts(Policy())
    first, again = (replace(ack("A"), at_ms=T0_MS + at) for at in (70, 90))
    assert alerts.taken_on(first) is None  # it is not open
    hear(alerts, metric("A"), at=10)
    hear(alerts, escalated(metric("A"), T0_MS + 50), at=50)  # told again, of the same firing
    assert alerts.taken_on(silence(0, 100, "alertname=A")) is None
    assert alerts.taken_on(replace(first, sequence=2)) is None
    taken_on = alerts.taken_on(first)
    assert taken_on is not None
    assert (taken_on[0].alert, taken_on[1]) == ("A", 60)
    alerts.handle(first)
    assert alerts.taken_on(again) is None
    hear(alerts, metric("A", "resolved"), metric("A", sequence=2), at=200)
    taken_on = alerts.taken_on(replace(again, sequence=2, at_ms=T0_MS + 190))  # by a clock that is behind
    assert taken_on is not None
    assert taken_on[1] == 0


def test_maintenance_suppresses_in_its_hours_by_the_clock_of_its_zone() -> None:
    sunday: Week = (*((),) * 6, ((12 * 60, 13 * 60),))
    oslo = Maintenance("deploy", Schedule(Calendar("Europe/Oslo"), sunday), (parse("channel=web"),))
    alerts = OpenAlerts(Policy(maintenance=(oslo,)))
    hear(alerts, metric("A", labels={"channel": "web"}), metric("A", labels={"channel": "app"}))
    noon = (
        int(datetime(2026, 3, 29, 10, tzinfo=UTC).timestamp()) * 1_000 - T0_MS
    )  # 12:00 in Oslo, just after the change
    web = [statuses(alerts, at)["A/channel=web"] for at in (noon - 1, noon, noon + HOUR_MS - 1, noon + HOUR_MS)]
    assert web == ["active", "suppressed", "suppressed", "active"]
    assert statuses(alerts, noon)["A/channel=app"] == "active"
    assert alerts.view(T0_MS + noon)["A/channel=web"].muted_by == ("deploy",)


def test_inhibition_lasts_as_long_as_its_source_fires() -> None:
    rule = Inhibition((parse("severity=critical"),), (parse("severity=info"),), ("region",))
    alerts = OpenAlerts(Policy(inhibitions=(rule,)))
    hear(alerts, metric("B", severity="info", labels={"region": "eu"}))
    assert statuses(alerts, 0) == {"B/region=eu": "active"}
    hear(alerts, metric("A", severity="critical", labels={"region": "eu"}))
    assert statuses(alerts, 0)["B/region=eu"] == "suppressed"
    hear(alerts, metric("A", "resolved", severity="critical", labels={"region": "eu"}))
    assert statuses(alerts, 0) == {"B/region=eu": "active"}


def test_an_alert_escalates_at_its_deadline_and_not_before() -> None:
    alerts = OpenAlerts(Policy(escalate_ms={"warning": 30}))
    hear(alerts, metric("A"), metric("Info", severity="info"), friction("ann", due_ms=T0_MS + 20), at=5)
    assert alerts.escalations(T0_MS + 19) == []
    assert [each.id for each in alerts.escalations(T0_MS + 20)] == ["repeat_contact/ann-1-escalated"]
    both = alerts.escalations(T0_MS + 35)
    assert [each.id for each in both] == ["A-1-escalated", "repeat_contact/ann-1-escalated"]
    assert [each.severity for each in both] == ["critical", "critical"]
    assert [each.escalation and each.escalation.reason for each in both] == ["unacknowledged", "due"]
    hear(alerts, *both)
    assert alerts.escalations(T0_MS + HOUR_MS) == []
    assert alerts.view(T0_MS + HOUR_MS)["A"].alert.severity == "critical"


def test_what_is_suppressed_escalates_once_it_no_longer_is() -> None:
    alerts = OpenAlerts(Policy(escalate_ms={"warning": 10}))
    hear(alerts, metric("A"))
    alerts.handle(silence(0, 50, "alertname=A"))
    assert alerts.escalations(T0_MS + 49) == []
    assert [each.at_ms - T0_MS for each in alerts.escalations(T0_MS + 50)] == [10]


def test_history_that_is_replayed_counts_from_when_it_was_heard() -> None:
    alerts = OpenAlerts(Policy(escalate_ms={"warning": 10}))
    hear(alerts, metric("A", at_ms=T0_MS - 24 * HOUR_MS), at=0)
    assert [len(alerts.escalations(T0_MS + at)) for at in (9, 10)] == [0, 1]


def test_a_transition_that_comes_after_a_later_one_is_mended_until_the_later_one_is_last() -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, metric("A"), metric("A", "resolved"))
    assert alerts.mends() == []
    hear(alerts, replace(metric("A"), id="A-1-escalated"))
    assert [each.id for each in alerts.mends()] == ["A-1-resolved"]
    assert statuses(alerts, 0) == {}
    hear(alerts, metric("A", "resolved"))
    assert alerts.mends() == []


def test_only_so_many_resolved_alerts_are_remembered() -> None:
    alerts = OpenAlerts(Policy(), most_resolved=3)
    for number in range(5):
        hear(alerts, metric(f"A{number}", "resolved"))
    assert [alerts.resolved(f"A{number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_the_same_view_is_handed_out_until_something_changes() -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, metric("A"))
    alerts.handle(silence(10, 20, "alertname=A"))
    first = alerts.view(T0_MS)
    assert alerts.view(T0_MS + 9) is first
    assert alerts.view(T0_MS + 10) is not first


def test_silences_long_over_and_what_was_said_of_alerts_not_open_can_be_forgotten() -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, metric("A"), metric("B"), metric("B", "resolved"))
    alerts.handle(silence(0, 100, "alertname=A", id="over"))
    alerts.handle(silence(0, 2**60, "alertname=B", id="far"))
    for name in ("A", "B", "Unknown"):
        alerts.handle(ack(name))
    assert alerts.over(T0_MS + HOUR_MS) == []
    assert alerts.over(T0_MS + 25 * HOUR_MS) == ["acknowledgement:B", "acknowledgement:Unknown"]
    over = alerts.over(T0_MS + 6 * 24 * HOUR_MS)
    assert over == ["silence:over", "acknowledgement:B", "acknowledgement:Unknown"]
    for key in over:
        alerts.withdraw(key)
    assert alerts.over(T0_MS + 1_000 * 24 * HOUR_MS) == []
    assert alerts.view(T0_MS)["A"].acknowledged == ack("A")


# Laws

NAMES = ("A", "B", "C")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fire"), st.sampled_from(NAMES)),
        st.tuples(st.just("resolve"), st.sampled_from(NAMES)),
        st.tuples(st.just("ack"), st.sampled_from(NAMES)),
        st.tuples(st.just("silence"), st.sampled_from(NAMES), st.integers(0, 60), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    max_size=40,
)


class Naive:
    """The same story, told with lists of what happened."""

    def __init__(self) -> None:
        self.story: list[tuple] = []

    def firing(self) -> dict[str, tuple[int, int]]:
        """Sequence, and when it fired."""
        found: dict[str, tuple[int, int]] = {}
        ever = dict.fromkeys(NAMES, 0)
        for what, name, at, *_ in self.story:
            if what == "fire" and name not in found:
                ever[name] += 1
                found[name] = ever[name], at
            elif what == "resolve":
                found.pop(name, None)
        return found

    def is_silenced(self, name: str, now: int) -> bool:
        return any(w == "silence" and n == name and r[0] <= now < r[1] for w, n, _, *r in self.story)

    def is_acknowledged(self, name: str) -> bool:
        last = max(index for index, (what, of, *_) in enumerate(self.story) if (what, of) == ("fire*", name))
        return any((what, of) == ("ack", name) for what, of, *_ in self.story[last:])


@given(STEPS)
def test_what_stands_and_escalates_is_what_the_story_says(steps: Sequence[tuple]) -> None:
    alerts, naive, now, numbers = OpenAlerts(Policy(escalate_ms={"warning": 25})), Naive(), 0, count()
    escalated: set[tuple[str, int]] = set()
    for step in [*steps, ("wait", 100)]:
        what, name = step[0], step[1]
        firing = naive.firing()
        if what == "fire" and name not in firing:
            naive.story += [("fire", name, now), ("fire*", name, now)]
            hear(alerts, metric(name, sequence=naive.firing()[name][0], at_ms=T0_MS + now), at=now)
        elif what == "resolve" and name in firing:
            hear(alerts, metric(name, "resolved", sequence=firing[name][0], at_ms=T0_MS + now), at=now)
            naive.story.append(("resolve", name, now))
        elif what == "ack" and name in firing:
            alerts.handle(ack(name, firing[name][0]))
            naive.story.append(("ack", name, now))
        elif what == "silence":
            start, end = now + step[2], now + step[2] + step[3]
            alerts.handle(silence(start, end, f"alertname={name}", id=str(next(numbers))))
            naive.story.append(("silence", name, now, start, end))
        for _ in range(step[1] if what == "wait" else 1):
            now += what == "wait"
            expected = {}
            for key in naive.firing():
                quiet, taken = naive.is_silenced(key, now), naive.is_acknowledged(key)
                expected[key] = "suppressed" if quiet else "acknowledged" if taken else "active"
            assert statuses(alerts, now) == expected
            late = alerts.escalations(T0_MS + now)
            wanted = {
                (key, sequence)
                for key, (sequence, at) in naive.firing().items()
                if expected[key] == "active" and now >= at + 25 and (key, sequence) not in escalated
            }
            assert {(each.alert, each.sequence) for each in late} == wanted
            escalated |= wanted
            hear(alerts, *late, at=now)


@given(st.permutations([metric("A"), metric("A", "resolved"), metric("A", sequence=2), metric("B"), metric("A")]))
def test_whatever_the_order_and_however_often_the_last_transition_stands(several: list[AnyAlert]) -> None:
    alerts = OpenAlerts(Policy())
    hear(alerts, *several)
    assert {key: known.alert.id for key, known in alerts.view(T0_MS).items()} == {"A": "A-2-firing", "B": "B-1-firing"}
    assert bool(alerts.mends()) == ([each for each in several if each.alert == "A"][-1].sequence != 2)


@pytest.mark.parametrize("severity", ["info", "warning", "critical", "odd"])
def test_escalation_is_the_same_whoever_makes_it(severity: str) -> None:
    policy = Policy(escalate_ms={severity: MINUTE_MS})
    one, other = OpenAlerts(policy), OpenAlerts(policy)
    for desk in (one, other):
        hear(desk, metric("A", severity=severity))
    assert one.escalations(T0_MS + MINUTE_MS) == other.escalations(T0_MS + HOUR_MS) != []
