"""What an outlet is told, and when: pushed at t, expected at t; a naive Alertmanager; and crashes at every moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement, Silence
from schemas.told import Told
from stream.desk.dispatch import Dispatch
from stream.desk.grouping import Notice, Route
from stream.desk.handling import OpenAlerts, Policy
from stream.desk.matcher import parse
from stream.slices import HOUR_MS, SECOND_MS
from tests.alerts import T0_MS, friction, metric

GROUPED = Route(group_by=("region",), wait_ms=30_000, interval_ms=300_000, repeat_ms=3_600_000)


@dataclass
class Outlet:
    """An outlet and its topic: alerts are pushed at a second, notices come out at seconds."""

    route: Route
    topic: list[AnyAlert] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    position: int = 0
    received: list[tuple[int, Notice]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alerts = OpenAlerts(Policy())
        self.dispatch = Dispatch("o", self.route, self.alerts)

    def push(self, at: int, *several: AnyAlert) -> None:
        for alert in several:
            self.alerts.hear(alert, T0_MS + at * SECOND_MS, (0, len(self.topic)))
            self.topic.append(alert)
            self.dispatch.hear((0, len(self.topic) - 1), alert, T0_MS + at * SECOND_MS)

    def tick(self, at: int, works: bool = True, is_killed_before_writing: bool = False) -> None:
        now = T0_MS + at * SECOND_MS
        while works and (notice := self.dispatch.next(now)) is not None:
            self.write(self.dispatch.intents(notice))
            self.received.append((at, notice))
            if is_killed_before_writing:
                return self.restart(at)
            self.write(self.dispatch.delivered(notice, now))
        self.position = self.dispatch.positions().get(0, self.position)
        return None

    def write(self, changes: list[tuple[str, Told | None]]) -> None:
        for key, told in changes:
            if told is None:
                self.told.pop(key, None)
            else:
                self.told[key] = told

    def run(self, start: int, end: int) -> None:
        for at in range(start, end + 1):
            self.tick(at)

    def restart(self, at: int) -> None:
        """As a process does that was killed: all it knows is what was written, and the topic."""
        now = T0_MS + at * SECOND_MS
        self.dispatch = Dispatch("o", self.route, self.alerts, self.told.values())
        for offset in range(self.position, len(self.topic)):
            self.dispatch.hear((0, offset), self.topic[offset], now)
        self.dispatch.adopt(self.alerts.view(now), now)

    def told_at(self) -> list[tuple[int, list[str]]]:
        return [(at, [alert.id for alert in notice.alerts]) for at, notice in self.received]


def silence(start: int, end: int, *matchers: str) -> Silence:
    return Silence(
        id="s",
        by="ann",
        matchers=tuple(map(parse, matchers)),
        starts_ms=T0_MS + start * SECOND_MS,
        ends_ms=T0_MS + end * SECOND_MS,
    )


def ack(fingerprint: str) -> Acknowledgement:
    return Acknowledgement(by="ann", fingerprint=fingerprint, sequence=1, at_ms=T0_MS)


# Pushed at t, expected at t


def test_without_groups_each_transition_is_told_at_once_and_in_order() -> None:
    outlet = Outlet(Route())
    outlet.push(0, metric("A"), metric("A", "resolved"), metric("B"))
    outlet.run(0, 3)
    assert [ids for _, ids in outlet.told_at()] == [["A-1-firing"], ["A-1-resolved"], ["B-1-firing"]]
    assert [notice.id for _, notice in outlet.received] == ["A-1-firing", "A-1-resolved", "B-1-firing"]
    assert outlet.position == 3


def test_a_group_waits_then_is_told_at_intervals_and_again() -> None:
    outlet = Outlet(GROUPED)
    eu = {"region": "eu"}
    outlet.push(0, metric("A", labels=eu))
    outlet.push(0, metric("Z", labels={"region": "us"}))
    outlet.run(0, 9)
    outlet.push(10, metric("B", labels=eu))
    outlet.run(10, 39)
    outlet.push(40, metric("C", labels=eu))
    outlet.run(40, 399)
    outlet.push(400, metric("A", "resolved", labels=eu))
    outlet.run(400, 4_300)
    told = [(at, ids) for at, ids in outlet.told_at() if ids != ["Z/region=us-1-firing"]]
    a, b, c = (f"{name}/region=eu-1-firing" for name in "ABC")
    assert told == [
        (30, [a, b]),
        (330, [c, a, b]),
        (630, [b, c, "A/region=eu-1-resolved"]),
        (630 + 3_600, [b, c]),
    ]
    assert [at for at, ids in outlet.told_at() if ids == ["Z/region=us-1-firing"]] == [30, 30 + 3_600]


def test_what_resolves_before_its_group_was_told_is_not_told() -> None:
    outlet = Outlet(GROUPED)
    outlet.push(0, metric("A"))
    outlet.push(20, metric("A", "resolved"))
    outlet.run(0, 1_000)
    assert outlet.received == []
    assert outlet.dispatch.positions() == {0: 2}


def test_what_is_silenced_is_told_once_it_no_longer_is() -> None:
    outlet = Outlet(Route())
    outlet.alerts.handle(silence(0, 50, "alertname=A"))
    outlet.push(0, metric("A"), metric("B"))
    outlet.run(0, 60)
    assert [(at, ids) for at, ids in outlet.told_at() if ids == ["A-1-firing"]] == [(50, ["A-1-firing"])]
    assert outlet.told_at()[0] == (0, ["B-1-firing"])


def test_what_is_silenced_holds_no_position_back_and_is_found_again_after_a_restart() -> None:
    outlet = Outlet(Route())
    outlet.alerts.handle(silence(0, 50, "alertname=A"))
    outlet.push(0, metric("A"), metric("B"))
    outlet.run(0, 10)
    assert outlet.position == 2
    outlet.restart(10)
    outlet.run(10, 60)
    assert outlet.told_at() == [(0, ["B-1-firing"]), (50, ["A-1-firing"])]


def test_what_was_silenced_all_the_time_is_never_told() -> None:
    outlet = Outlet(Route())
    outlet.alerts.handle(silence(0, 50, "alertname=A"))
    outlet.push(0, metric("A"))
    outlet.run(0, 10)
    outlet.push(11, metric("A", "resolved"))
    outlet.run(11, 100)
    assert outlet.received == []
    assert outlet.dispatch.waiting == 0


def test_what_was_told_as_firing_is_told_as_resolved_though_it_was_silenced_meanwhile() -> None:
    outlet = Outlet(Route())
    outlet.push(0, metric("A"))
    outlet.run(0, 5)
    outlet.alerts.handle(silence(6, 50, "alertname=A"))
    outlet.run(6, 9)
    outlet.push(10, metric("A", "resolved"))
    outlet.run(10, 20)
    assert outlet.told_at() == [(0, ["A-1-firing"]), (10, ["A-1-resolved"])]


def test_an_outlet_hears_of_an_alert_once_its_severity_is_raised_and_then_of_its_end() -> None:
    outlet = Outlet(Route(severities=("critical",)))
    outlet.alerts = OpenAlerts(Policy(escalate_ms={"warning": 10_000}))
    outlet.dispatch = Dispatch("o", outlet.route, outlet.alerts)
    outlet.push(0, metric("A"))
    outlet.run(0, 9)
    outlet.push(10, *outlet.alerts.escalations(T0_MS + 10_000))
    outlet.run(10, 20)
    outlet.push(21, metric("A", "resolved"))
    outlet.run(21, 30)
    assert outlet.told_at() == [(10, ["A-1-escalated"]), (21, ["A-1-resolved"])]


def test_acknowledged_alerts_are_not_told_again_but_a_pulse_goes_on() -> None:
    for route, expected in (
        (Route(repeat_ms=10_000), [0, 10]),
        (Route(group_by=(), repeat_ms=10_000, is_pulse=True), [0, 10, 20, 30]),
    ):
        outlet = Outlet(route)
        outlet.push(0, metric("A"))
        outlet.run(0, 15)
        outlet.alerts.handle(ack("A"))
        outlet.run(16, 39)
        assert [at for at, _ in outlet.received] == expected


def test_a_repeat_has_an_id_of_its_own_and_the_same_after_a_crash() -> None:
    outlet = Outlet(Route(repeat_ms=10_000))
    outlet.push(0, metric("A"))
    outlet.run(0, 9)
    outlet.tick(10, is_killed_before_writing=True)
    outlet.run(11, 15)
    ids = [notice.id for _, notice in outlet.received]
    assert ids[0] == "A-1-firing"
    assert ids[1] == ids[2] != ids[0]


def test_a_new_outlet_is_told_what_is_open_and_not_what_was_before() -> None:
    outlet = Outlet(Route())
    for alert in (metric("Old"), metric("Old", "resolved"), metric("A")):
        outlet.alerts.hear(alert, T0_MS)
        outlet.topic.append(alert)
    outlet.position = 3
    outlet.restart(0)
    outlet.run(0, 5)
    assert outlet.told_at() == [(0, ["A-1-firing"])]


def test_what_was_resolved_before_the_position_is_told_all_the_same() -> None:
    outlet = Outlet(Route())
    outlet.push(0, metric("A"))
    outlet.run(0, 1)
    outlet.alerts.hear(metric("A", "resolved"), T0_MS)
    outlet.restart(2)
    outlet.run(2, 5)
    assert [ids for _, ids in outlet.told_at()] == [["A-1-firing"], ["A-1-resolved"]]


@pytest.mark.parametrize("route", [Route(), GROUPED])
def test_what_fails_is_the_same_notice_again(route: Route) -> None:
    outlet = Outlet(route)
    outlet.push(0, metric("A"))
    first, again = outlet.dispatch.next(T0_MS + 30_000), outlet.dispatch.next(T0_MS + 30_000)
    assert first == again is not None


def test_what_is_repeated_long_after_it_was_resolved_is_told_to_nobody_also_after_a_restart() -> None:
    outlet = Outlet(Route())
    outlet.push(0, metric("A"), metric("A", "resolved"))
    outlet.run(0, 1)
    outlet.restart(2)
    outlet.push(3, metric("A"), metric("A", "resolved"))
    outlet.run(3, 5)
    outlet.push(6, metric("A"), metric("A", "resolved"))
    outlet.run(6, 9)
    assert [ids for _, ids in outlet.told_at()] == [["A-1-firing"], ["A-1-resolved"]]


# Laws

NAMES = ("A", "B", "C")
STORY = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.sampled_from(NAMES)),
        st.tuples(st.just("tick"), st.sampled_from(["works", "fails", "killed"])),
        st.tuples(st.just("restart"), st.just("")),
    ),
    max_size=60,
)


@given(STORY)
def test_each_transition_is_told_in_order_whatever_fails_and_only_a_crash_repeats(story: Sequence[tuple]) -> None:
    outlet, sequences, firing = Outlet(Route()), dict.fromkeys(NAMES, 0), set[str]()
    expected: dict[str, list[str]] = {name: [] for name in NAMES}
    crashes = 0
    for at, (what, how) in enumerate([*story, ("tick", "works")]):
        if what == "turn":
            state = "resolved" if how in firing else "firing"
            sequences[how] += state == "firing"
            firing ^= {how}
            alert = metric(how, state, sequence=sequences[how])
            expected[how].append(alert.id)
            outlet.push(at, alert)
        elif what == "restart":
            outlet.restart(at)
        else:
            before = len(outlet.received)
            outlet.tick(at, works=how != "fails", is_killed_before_writing=how == "killed")
            crashes += how == "killed" and len(outlet.received) > before
    told = [notice.alerts[0].id for _, notice in outlet.received]
    assert len(told) - len(set(told)) <= crashes
    for name in NAMES:
        assert list(dict.fromkeys(each for each in told if each.startswith(f"{name}-"))) == expected[name]
    assert outlet.position == len(outlet.topic)


@given(STORY, st.sampled_from([GROUPED, Route(group_by=(), repeat_ms=60_000, is_pulse=True)]))
def test_a_group_is_told_in_the_end_how_its_alerts_stand_whatever_fails(story: Sequence[tuple], route: Route) -> None:
    outlet, sequences, firing = Outlet(route), dict.fromkeys(NAMES, 0), set[str]()
    for at, (what, how) in enumerate([*story, ("restart", ""), *[("tick", "works")] * 700]):
        if what == "turn":
            state = "resolved" if how in firing else "firing"
            sequences[how] += state == "firing"
            firing ^= {how}
            outlet.push(at, metric(how, state, sequence=sequences[how], at_ms=T0_MS + at * SECOND_MS))
        elif what == "restart":
            outlet.restart(at)
        else:
            outlet.tick(at, works=how != "fails", is_killed_before_writing=how == "killed")
    told = [alert for _, notice in outlet.received for alert in notice.alerts]
    first: dict[str, AnyAlert] = {}
    for alert in told:
        first.setdefault(alert.id, alert)  # a crash repeats
    for name in NAMES:
        orders = [alert.order for alert in first.values() if alert.alert == name]
        assert orders == sorted(orders)
    last = {alert.alert: alert for alert in told}
    assert {name for name, alert in last.items() if alert.state == "firing"} == firing
    assert all(last[name].sequence == sequences[name] for name in firing)
    assert outlet.position == len(outlet.topic)


class Alertmanager:
    """One group, as Alertmanager's dispatcher and its notification log have it, by sets; looked at each second."""

    def __init__(self, wait: int, interval: int, repeat: int) -> None:
        self.wait, self.interval, self.repeat = wait, interval, repeat
        self.states: dict[str, tuple[int, bool]] = {}
        self.next: int | None = None
        self.log: tuple[set[tuple[str, int]], int] | None = None
        self.notified: list[tuple[int, frozenset[str], frozenset[str]]] = []

    def push(self, at: int, name: str, sequence: int, fires: bool) -> None:
        self.states[name] = sequence, fires
        if self.next is None and (fires or self.told(name)):
            self.next = at + self.wait

    def told(self, name: str) -> bool:
        return self.log is not None and any(told == name for told, _ in self.log[0])

    def second(self, at: int) -> None:
        if self.next is None or at < self.next:
            return
        self.next = at + self.interval
        firing = {(name, sequence) for name, (sequence, fires) in self.states.items() if fires}
        before, last = self.log or (set(), 0)
        resolved = {name for name, (_, fires) in self.states.items() if not fires and self.told(name)}
        is_repeat = bool(firing) and self.log is not None and at - last >= self.repeat
        if firing - before or resolved or is_repeat:
            self.notified.append((at, frozenset(name for name, _ in firing), frozenset(resolved)))
            self.log = firing, at
        self.states = {name: (sequence, True) for name, sequence in firing}
        if not firing:
            self.next = None


@given(
    st.lists(st.tuples(st.integers(0, 90), st.sampled_from(NAMES)), max_size=12),
    st.tuples(st.integers(0, 10), st.integers(1, 15), st.integers(1, 40)),
)
def test_a_group_is_told_when_alertmanager_would_tell_it(
    turns: list[tuple[int, str]], times: tuple[int, int, int]
) -> None:
    wait, interval, repeat = times
    second = SECOND_MS
    outlet = Outlet(Route(group_by=(), wait_ms=wait * second, interval_ms=interval * second, repeat_ms=repeat * second))
    oracle, sequences, firing = Alertmanager(wait, interval, repeat), dict.fromkeys(NAMES, 0), set[str]()
    for at in range(140):
        for _, name in [turn for turn in turns if turn[0] == at]:
            fires = name not in firing
            sequences[name] += fires
            firing ^= {name}
            state = "firing" if fires else "resolved"
            outlet.push(at, metric(name, state, sequence=sequences[name], at_ms=T0_MS + at * second))
            oracle.push(at, name, sequences[name], fires)
        outlet.tick(at)
        oracle.second(at)
    found = [
        (
            at,
            frozenset(alert.alert for alert in notice.alerts if alert.state == "firing"),
            frozenset(alert.alert for alert in notice.alerts if alert.state == "resolved"),
        )
        for at, notice in outlet.received
    ]
    # the end of what fires again is ours alone: Alertmanager has no firings of one alert, only that it fires
    assert [(at, firing, resolved - firing) for at, firing, resolved in found] == oracle.notified


def test_an_alert_that_fires_again_in_another_group_is_resolved_there_too() -> None:
    outlet = Outlet(Route(group_by=("channel",), wait_ms=30_000, interval_ms=300_000, repeat_ms=14_400_000))
    web, phone = {"channel": "web"}, {"channel": "phone"}
    outlet.push(0, friction("c", labels=web))
    outlet.tick(30)
    outlet.push(60, friction("c", "resolved", labels=web), friction("c", sequence=2, labels=phone))
    for at in (91, 331):
        outlet.tick(at)
    outlet.push(340, friction("c", "resolved", sequence=2, labels=phone))
    for at in range(400, 20_000, 60):
        outlet.tick(at)
    told = [alert.id.removeprefix("repeat_contact/c-") for _, notice in outlet.received for alert in notice.alerts]
    assert told == ["1-firing", "2-firing", "1-resolved", "2-resolved"]


# What is refused


@pytest.mark.parametrize("route", [Route(), Route(group_by=("region",), interval_ms=5_000, repeat_ms=3_600_000)])
def test_what_is_refused_holds_nobody_else_up_and_its_own_stay_in_order(route: Route) -> None:
    outlet = Outlet(route)
    outlet.push(0, *(metric("A", labels={"region": region}) for region in ("bad", "eu", "us")))
    outlet.push(0, metric("A", "resolved", labels={"region": "bad"}) if route.group_by is None else metric("Z"))
    told: list[str] = []
    now = T0_MS
    for _ in range(400):
        now += SECOND_MS
        while (notice := outlet.dispatch.next(now)) is not None:
            if "bad" in notice.id or notice.group.get("region") == "bad":
                assert notice.alerts[0].state == "firing", "the end of what was not told waits"
                assert outlet.dispatch.refused(notice, now, 60_000)
            else:
                told += [alert.id for alert in notice.alerts]
                outlet.dispatch.delivered(notice, now)
    assert {"A/region=eu-1-firing", "A/region=us-1-firing"} <= set(told)
    refused = outlet.dispatch.next(now + 60_000)
    assert refused is not None
    assert outlet.dispatch.failures(refused) in (6, 7)
    assert outlet.dispatch.positions() == {0: 0}, "it is still to be told"


@pytest.mark.parametrize("others", [True, False])
def test_what_is_refused_for_long_is_given_up_only_where_others_were_taken(others: bool) -> None:
    outlet = Outlet(Route(give_up_ms=HOUR_MS))
    outlet.push(0, metric("Bad"))
    given_up = []
    for minute in range(90):
        now = T0_MS + minute * 60 * SECOND_MS
        if others:
            outlet.push(minute * 60, metric(f"A{minute}"))
        while (notice := outlet.dispatch.next(now)) is not None:
            if notice.id == "Bad-1-firing" and outlet.dispatch.refused(notice, now, 60_000):
                continue
            given_up += [minute] if notice.id == "Bad-1-firing" else []
            outlet.dispatch.delivered(notice, now)
    assert given_up == ([60] if others else [])


def tried(outlet: Outlet, minute: int, takes: bool = True) -> bool:
    """All that is due is told; `Bad` is refused, and all where the outlet takes nothing. Is something given up?"""
    now = T0_MS + minute * 60 * SECOND_MS
    while (notice := outlet.dispatch.next(now)) is not None:
        outlet.write(outlet.dispatch.intents(notice))
        is_bad = any(alert.fingerprint == "Bad" for alert in notice.alerts)
        if is_bad or not takes:
            if not outlet.dispatch.refused(notice, now, 60_000):
                return True
        else:
            outlet.write(outlet.dispatch.delivered(notice, now))
    return False


@pytest.mark.parametrize("route", [Route(give_up_ms=HOUR_MS), Route(group_by=("alertname",), give_up_ms=HOUR_MS)])
def test_while_an_outlet_takes_nothing_nothing_is_given_up(route: Route) -> None:
    """What was taken before the outage vouches for a while only, and so does what is taken between two."""
    outlet = Outlet(route)
    outlet.push(0, metric("Bad"), metric("A"))
    assert not any(tried(outlet, minute, takes=minute == 0) for minute in range(24 * 60))
    outlet.push(24 * 3_600, metric("B"))
    assert not any(tried(outlet, minute, takes=minute == 24 * 60) for minute in range(24 * 60, 48 * 60))
    for minute in range(48 * 60, 48 * 60 + 49):
        outlet.push(minute * 60, metric(f"C{minute}"))
        assert not tried(outlet, minute), "an outage of a day has counted for five minutes"
    for minute in range(48 * 60 + 49, 48 * 60 + 52):
        outlet.push(minute * 60, metric(f"C{minute}"))
        if tried(outlet, minute):
            return
    raise AssertionError("it is given up where others are taken for long enough")


@pytest.mark.parametrize(
    "route",
    [
        Route(give_up_ms=HOUR_MS),
        Route(group_by=("alertname",), give_up_ms=HOUR_MS),
        Route(group_by=("alertname",), repeat_ms=60_000, is_pulse=True, give_up_ms=HOUR_MS),
    ],
)
@pytest.mark.parametrize("bad", [metric("Bad"), metric("Bad", "resolved", 2)])
def test_desks_that_are_restarted_give_up_as_well(route: Route, bad: AnyAlert) -> None:
    outlet = Outlet(route)
    if bad.state == "resolved":  # of the end of the firing that was told, there is no record left
        outlet.push(0, metric("Bad"))
        now = T0_MS
        notice = outlet.dispatch.next(now)
        assert notice is not None
        outlet.write(outlet.dispatch.intents(notice))
        outlet.write(outlet.dispatch.delivered(notice, now))
    outlet.push(0, bad)
    for minute in range(100):
        outlet.push(minute * 60, metric(f"A{minute}", at_ms=T0_MS))
        if tried(outlet, minute):
            assert 60 <= minute <= 75
            return
        if minute % 20 == 19:
            outlet.restart(minute * 60)
    raise AssertionError("it is given up")


@pytest.mark.parametrize("is_pulse", [True, False])
def test_what_was_taken_in_the_end_was_never_refused_for_what_comes_next(is_pulse: bool) -> None:
    route = Route(group_by=("alertname",), repeat_ms=60_000, is_pulse=is_pulse, give_up_ms=HOUR_MS)
    outlet = Outlet(route)
    outlet.push(0, metric("Bad"))
    for minute in range(50):
        outlet.push(minute * 60, metric(f"A{minute}"))
        assert not tried(outlet, minute)
    assert max(told.refused_ms for told in outlet.told.values()) > 40 * 60_000
    outlet.run(50 * 60, 52 * 60)
    assert not any(told.refused_ms for told in outlet.told.values())


def test_a_clock_that_was_wrong_for_a_while_leaves_nothing_waiting() -> None:
    outlet = Outlet(Route(group_by=(), wait_ms=1_000, interval_ms=10_000, repeat_ms=60_000))
    outlet.push(0, metric("A"))
    outlet.run(0, 5)
    ahead = 100_000_000
    outlet.push(ahead, metric("B"))
    outlet.run(ahead, ahead + 20)
    outlet.push(10, metric("C", at_ms=T0_MS + 10_000))
    outlet.run(10, 100)
    ids = [(at, ids) for at, ids in outlet.told_at() if at <= 100]
    assert ids[0] == (1, ["A-1-firing"])
    assert ids[1][0] <= 21, "the next time is no further away than an interval"
    assert ids[1][1][0] == "C-1-firing"
    assert [at for at, _ in ids[2:]] == [ids[1][0] + 60], "and it is repeated as before"
