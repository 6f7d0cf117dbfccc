"""Whatever fails, and whenever a desk is killed: each firing is told, and its end, and under the same ids again."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from schemas.alert import AnyAlert
from schemas.told import Told
from stream.desk.dispatch import Change, Dispatch
from stream.desk.escalation import escalated
from stream.desk.grouping import Notice, Route
from stream.desk.handling import OpenAlerts, Policy
from stream.slices import SECOND_MS
from tests.alerts import T0_MS, friction, metric
from tests.stream.desk.test_dispatch import silence

EACH = Route()
ALL = Route(group_by=(), wait_ms=2_000, interval_ms=5_000, repeat_ms=60_000)
CHANNELS = Route(group_by=("channel",), wait_ms=2_000, interval_ms=5_000, repeat_ms=60_000)
PULSE = Route(group_by=(), repeat_ms=10_000, is_pulse=True)
WAYS = ("works", "works", "refused", "cut", "killed before", "killed after", "killed between")


@dataclass
class World:
    """A topic, a desk that may be killed, what it wrote, and an outlet that takes a notice or does not."""

    route: Route
    topic: list[AnyAlert | None] = field(default_factory=list)
    written: dict[str, Told] = field(default_factory=dict)
    position: int = 0
    received: list[Notice] = field(default_factory=list)
    unrecorded: set[int] = field(default_factory=set)
    """Which of those received the desk does not know of."""
    doubtful: dict[tuple, Notice] = field(default_factory=dict)
    now: int = T0_MS
    refused: str = ""
    """Whose notices it never takes."""
    is_down: bool = False
    taken: list[int] = field(default_factory=list)
    since: dict[tuple, int] = field(default_factory=dict)
    """Of each group that is refused, since when."""
    given_up: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """All that a desk knows when it begins is on topics."""
        self.alerts = OpenAlerts(Policy())
        for offset, alert in enumerate(self.topic):
            if alert is not None:
                self.alerts.hear(alert, self.now, (0, offset))
        self.dispatch = Dispatch("o", self.route, self.alerts, self.written.values())
        self.next, self.is_at_end = self.position, False

    def push(self, alert: AnyAlert) -> None:
        self.doubtful.clear()
        self.alerts.hear(alert, self.now, (0, len(self.topic)))
        self.topic.append(alert)

    def compact(self) -> None:
        last = {alert.fingerprint: offset for offset, alert in enumerate(self.topic) if alert is not None}
        for offset, alert in enumerate(self.topic):
            if alert is not None and last[alert.fingerprint] != offset:
                self.topic[offset] = None

    def read(self, most: int) -> None:
        for offset in range(self.next, min(len(self.topic), self.next + most)):
            alert = self.topic[offset]
            if alert is None:
                self.dispatch.passed((0, offset))
            else:
                self.dispatch.hear((0, offset), alert, self.now)
            self.next = offset + 1
        if self.next == len(self.topic) and not self.is_at_end:
            self.dispatch.adopt(self.alerts.view(self.now), self.now)
            self.is_at_end = True

    def write(self, changes: list[Change]) -> None:
        for key, told in [*changes, *self.dispatch.over()]:
            if told is None:
                self.written.pop(key, None)
            else:
                self.written[key] = told
        self.position = self.dispatch.positions().get(0, self.position)

    def tell(self, ways: Random | None = None) -> None:
        """Tell what is due; each notice fares as chance has it."""
        while (self.is_at_end or self.route.group_by is None) and (notice := self.dispatch.next(self.now)) is not None:
            how = self.fares(notice, ways)
            self.write(self.dispatch.intents(notice))
            if how == "killed before":
                return self.start()
            if how != "refused" and notice.alerts:
                self.receive(notice)
            if how in ("killed after", "killed between", "cut"):
                self.doubtful[notice.key] = notice
                self.unrecorded.add(len(self.received) - 1)
            if how == "killed after":
                return self.start()
            if how in ("refused", "cut"):
                self.refuse(notice)
                continue
            changes = self.dispatch.delivered(notice, self.now)
            if how == "killed between":
                return self.start()
            self.write(changes)
            self.since.pop(notice.key, None)
            if notice.alerts:
                self.taken.append(self.now)
        return None

    def fares(self, notice: Notice, ways: Random | None) -> str:
        if self.is_down or any(alert.fingerprint == f"repeat_contact/{self.refused}" for alert in notice.alerts):
            return "refused"
        return ways.choice(WAYS) if ways is not None else "works"

    def refuse(self, notice: Notice) -> None:
        """It is given up only where enough of the time since the first refusal is near after what was taken."""
        self.since.setdefault(notice.key, self.now)
        if self.dispatch.refused(notice, self.now, 3_000):
            return
        near = self.route.give_up_ms // 12
        since = self.since.pop(notice.key)
        counted = {ms // 100 for at in self.taken for ms in range(max(at, since), min(at + near, self.now), 100)}
        assert 100 * len(counted) >= self.route.give_up_ms
        self.given_up.append(notice)
        self.write(self.dispatch.delivered(notice, self.now, was_taken=False))

    def receive(self, notice: Notice) -> None:
        """Told again with nothing new in between, it has the same id."""
        before = self.doubtful.pop(notice.key, None)
        if before is not None and {each.id for each in before.alerts} == {each.id for each in notice.alerts}:
            assert before.id == notice.id
        self.received.append(notice)

    def settle(self) -> None:
        for _ in range(30):
            self.now += SECOND_MS
            self.read(len(self.topic))
            self.tell()
            self.write([])


class Story:
    """Alerts that fire, escalate and resolve; customers' labels change from one firing to the next."""

    def __init__(self) -> None:
        self.sequences: dict[str, int] = defaultdict(int)
        self.open: dict[str, AnyAlert] = {}
        self.pushed: list[AnyAlert] = []

    def turn(self, name: str, what: str, channel: str, now: int) -> AnyAlert | None:
        before = self.open.get(name)
        if before is None:
            self.sequences[name] += 1
            sequence = self.sequences[name]
            is_metric = name == "M"
            made = (
                metric(name, sequence=sequence, at_ms=now)
                if is_metric
                else friction(name, sequence=sequence, at_ms=now, labels={"channel": channel})
            )
        elif what == "escalate":
            if before.escalation is not None:
                return None
            made = escalated(before, now)
        else:
            sequence, labels = before.sequence, before.labels
            made = (
                metric(name, "resolved", sequence, now)
                if name == "M"
                else friction(name, "resolved", sequence, now, labels=labels)
            )
        self.open[name] = made
        if made.state == "resolved":
            del self.open[name]
        self.pushed.append(made)
        return made


def steps(chance: Random) -> Iterator[tuple]:
    """A story of chance: much happens, some of it is read and told, and now and then a desk is killed."""
    for _ in range(chance.randint(5, 80)):
        kind = chance.choices(("turn", "tell", "read", "wait", "quiet", "restart", "compact"), (4, 3, 3, 3, 1, 1, 1))[0]
        if kind == "turn":
            yield kind, chance.choice("ABM"), chance.choice(("on", "on", "escalate")), chance.choice("xy")
        elif kind == "wait":
            yield kind, chance.choice((1, 2, 5, 70))
        elif kind == "quiet":
            yield kind, chance.choice("AB"), chance.randint(1, 20)
        else:
            yield kind, chance


def played(route: Route, chance: Random, leave_out: str = "") -> tuple[World, Story]:
    world, story = World(route), Story()
    for step in steps(chance):
        if step[0] in leave_out.split():
            continue
        if step[0] == "turn":
            alert = story.turn(step[1], step[2], step[3], world.now)
            if alert is not None:
                world.push(alert)
        elif step[0] == "tell":
            world.tell(step[1])
        elif step[0] == "read":
            world.read(step[1].randint(1, 3))
        elif step[0] == "wait":
            world.now += step[1] * SECOND_MS
            world.doubtful.clear()
        elif step[0] == "quiet":
            at = (world.now - T0_MS) // SECOND_MS
            world.alerts.handle(silence(at, at + step[2], f"customer={step[1]}"))
            world.doubtful.clear()
        elif step[0] == "restart":
            world.start()
        else:
            world.compact()
    world.settle()
    return world, story


def check(world: World, story: Story, seed: int) -> None:
    """What holds whatever the route is, and whatever befell."""
    ended: set[tuple[str, int]] = set()
    latest: dict[str, int] = defaultdict(int)
    contents: dict[str, frozenset[str]] = {}
    for number, notice in enumerate(world.received):
        content = frozenset(each.id for each in notice.alerts)
        assert contents.setdefault(notice.id, content) == content, f"{seed}: an id says what is told"
        for alert in notice.alerts:
            episode = alert.fingerprint, alert.sequence
            if alert.state == "firing":
                assert episode not in ended, f"{seed}: {alert.id} told after its end"
                assert alert.sequence >= latest[alert.fingerprint], f"{seed}: {alert.id} told after the next one"
                latest[alert.fingerprint] = alert.sequence
            elif number not in world.unrecorded:
                ended.add(episode)
    told = {alert.id for notice in world.received for alert in notice.alerts}
    assert {alert.id for alert in story.open.values()} <= told, f"{seed}: what fires in the end was not told"
    assert (world.position, world.dispatch.waiting) == (len(world.topic), 0), seed
    assert set(world.written) == {f"o/{alert.fingerprint}/{alert.sequence}" for alert in story.open.values()}, seed


def ends_owed(world: World) -> set[str]:
    """The ids of the ends of all that was told to fire."""
    firing = [each for notice in world.received for each in notice.alerts if each.state == "firing"]
    return {f"{each.fingerprint}-{each.sequence}-resolved" for each in firing}


def refusals(world: World, story: Story, chance: Random) -> None:
    """An outlet that never takes what is about A, and is down now and then, as desks are."""
    for second in range(400):
        world.now += SECOND_MS
        world.is_down ^= chance.random() < 0.02
        if chance.random() < 0.02:
            world.start()
        if second == 1 or chance.random() < 0.01:
            pushed = story.turn("A", chance.choice(("on", "escalate")), chance.choice("xy"), world.now)
            world.push(pushed or friction(f"Z{second}", at_ms=world.now))
        if chance.random() < 0.3:
            world.push(friction(f"Z{second}", at_ms=world.now, labels={"channel": "z"}))
        world.read(chance.choice((0, 1, 100)))
        world.tell()


@pytest.mark.parametrize("route", [EACH, CHANNELS, replace(CHANNELS, is_pulse=True)])
def test_what_is_refused_is_given_up_while_others_are_taken_and_else_never(route: Route) -> None:
    """``World.give_up`` counts by itself."""
    for seed in range(15):
        world, story = World(replace(route, give_up_ms=120 * SECOND_MS), refused="A"), Story()
        refusals(world, story, Random(seed))
        world.is_down = False
        was_open = "A" in story.open and not world.given_up
        for second in range(400, 650):  # others are taken, and the desk is started again and again
            world.now += SECOND_MS
            if second % 37 == 0:
                world.start()
            if second % 4 == 0:
                world.push(friction(f"Z{second}", at_ms=world.now, labels={"channel": "z"}))
            world.read(len(world.topic))
            world.tell()
        assert world.given_up or not was_open, f"{seed}: refused for ever"
        world.refused = ""
        world.settle()
        assert (world.position, world.dispatch.waiting) == (len(world.topic), 0), seed
        assert not any(told.refused_ms for told in world.written.values()), seed


STORIES = range(1_000)
"""Each a seed. A failing one is played again by its number."""


@pytest.mark.parametrize("route", [EACH, ALL, CHANNELS, PULSE])
def test_each_end_of_what_was_told_is_told_and_nothing_after_it(route: Route) -> None:
    for seed in STORIES:
        world, story = played(route, Random(seed), leave_out="compact")
        check(world, story, seed)
        told = {alert.id for notice in world.received for alert in notice.alerts}
        over = {alert.id for alert in story.pushed if alert.state == "resolved"}
        assert ends_owed(world) & over <= told, seed


def test_without_groups_each_transition_is_told_at_least_once() -> None:
    for seed in STORIES:
        world, story = played(EACH, Random(seed), leave_out="compact quiet")
        check(world, story, seed)
        told = {alert.id for notice in world.received for alert in notice.alerts}
        assert told == {alert.id for alert in story.pushed}, seed


@pytest.mark.parametrize("route", [EACH, ALL, CHANNELS, PULSE])
def test_where_the_topic_was_compacted_meanwhile_the_last_that_is_told_is_how_it_stands(route: Route) -> None:
    for seed in STORIES:
        world, story = played(route, Random(seed))
        check(world, story, seed)
        last = {alert.fingerprint: alert for notice in world.received for alert in notice.alerts}
        fires = {key for key, alert in last.items() if alert.state == "firing"}
        assert fires <= {alert.fingerprint for alert in story.open.values()}, seed


@pytest.mark.parametrize("route", [EACH, ALL, CHANNELS])
def test_who_wants_no_ends_hears_of_none(route: Route) -> None:
    for seed in STORIES:
        world, story = played(replace(route, resolved=False), Random(seed))
        check(world, story, seed)
        assert all(alert.state == "firing" for notice in world.received for alert in notice.alerts), seed
