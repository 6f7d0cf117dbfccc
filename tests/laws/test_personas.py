"""Laws of personas and stages: whatever the order, batches and crashes, who was what, and what counts where, is one."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.cell import Segment
from stream.config import Config, Segmentation
from stream.counters import Counters
from stream.driver import Driver
from stream.marker import MARKER, decode_marker
from stream.personas import ACTIVE, PURCHASES, REVENUE, TICKETS, FirstSeen, Inactive, Nps, Persona, Within
from stream.personas import Condition as Built
from stream.slices import Calendar
from tests.laws import test_keeping as keeping
from tests.laws.oracle import Event, Reached
from tests.laws.personas import Condition, Rule, Watch, some_rules
from tests.laws.stories import DAY, Teller, record
from tests.laws.test_fold import (
    NOW,
    assert_active_equals_the_set,
    assert_cohorts_equal_the_set,
    assert_equals_the_list,
    assert_today_so_far_equals_the_set,
    cells,
    days,
    decoded,
    fed,
    laws,
    seeds,
    sizes,
)
from tests.laws.test_fold import config as usual

BY_PERSONA = ((), ("persona",), ("channel",), ("persona", "channel"), ("region", "persona"))
BY_STAGE = ((), ("stage",), ("channel",), ("stage", "channel"), ("persona", "stage"))
dimensions = st.sampled_from([BY_PERSONA, BY_STAGE])
zones = st.sampled_from(["UTC", "Europe/Oslo", "Asia/Kathmandu"])
IDLE = 2_000
LATER = NOW + 90 * DAY


def built(condition: Condition) -> Built:
    """A condition of the oracle as one of ours."""
    what, *rest = condition
    if what == "inactive":
        return Inactive(*rest)
    if what == "first_seen":
        return FirstSeen(*rest)
    if what == "nps":
        return Nps(*rest)
    if what == "revenue":
        return Within(REVENUE + rest[0], *rest[1:])
    return Within({"active": ACTIVE, "tickets": TICKETS, "purchases": PURCHASES}[what], *rest)


def config(rules: list[Rule], zone: str = "UTC", by: tuple[Segmentation, ...] = BY_PERSONA) -> Config:
    ours = tuple(Persona(name, tuple(map(built, conditions))) for name, conditions in rules)
    return replace(usual(zone), segmentations=by, personas=ours)


class Told:
    """A driver and the oracle, told the same; now and then a partition is silent for some days."""

    def __init__(
        self,
        rules: list[Rule],
        seed: int,
        partitions: int = 1,
        zone: str = "UTC",
        by: tuple[Segmentation, ...] = BY_PERSONA,
        now_ms: int = NOW,
    ) -> None:
        self.driver = Driver(config(rules, zone, by), partitions=partitions)
        self.watch = Watch(rules, zone, lambda customer: self.driver.source_of(customer.encode()))
        self.random = Random(seed)
        self.clock_ms = now_ms

    def tell(self, events: list[Event], silences: bool, crash: Callable[[Driver, int], None] | None = None) -> None:
        at, batches = 0, sizes(self.random.randrange(10**6))
        while at < len(events):
            some = events[at : at + next(batches)]
            at += len(some)
            self.driver.feed([record(event) for event in some], self.clock_ms)
            for event in some:
                self.watch.see(event)
            if crash is not None:
                crash(self.driver, self.clock_ms)
            if silences and self.random.random() < 0.2:
                self.be_silent(self.random.choice((1, 2, 5)) * DAY)
        self.be_silent(0)
        self.driver.advance(self.clock_ms)

    def be_silent(self, for_ms: int) -> None:
        """Nothing comes for so long: event time comes to where the markers say."""
        self.clock_ms += for_ms + (IDLE if for_ms else 0)
        for _ in range(2):  # what was due before, and what is due by now
            self.driver.go_on(self.clock_ms)
        for source, store in enumerate(self.driver.stores()):
            if MARKER in store and source in self.watch.reached:
                reached_ms = decode_marker(store[MARKER]).reached_ms
                self.watch.reached[source] = max(self.watch.reached[source], reached_ms)

    @property
    def reached(self) -> Reached:
        return lambda event: self.watch.reached[self.watch.source(event["customer"])]

    def check(self, seed: int) -> None:
        zone, driver = self.watch.zone, self.driver
        assert driver.rejected == []
        then, now = self.watch.then, self.watch.now()
        # After a silence, slices finer than days may be read no longer.
        assert_equals_the_list(driver, then, seed, zone, self.reached, stretches=None if self.clock_ms == NOW else 4)
        assert_active_equals_the_set(driver, now, seed, zone, then)
        assert_cohorts_equal_the_set(driver, now, zone)
        assert_today_so_far_equals_the_set(driver, now, seed, zone, then)


def by_day(driver: Driver, day_ms: int, segment: Segment) -> Counters:
    """What is counted of who was active on a day, but for what has come to nothing."""
    end_ms = driver.config.calendar.day_end_ms(day_ms)
    counters = driver.counters(day_ms, end_ms, segment)
    return {name: number for name, number in counters.items() if number and name.startswith(("active.", "cohort."))}


def assert_all_add_up(driver: Driver, events: list[Event], zone: str, by: str = "persona") -> None:
    """Where everybody has a persona, or a stage: over all of these, what counts of who was active is of everybody."""
    calendar = Calendar(zone)
    firsts = {midnight.replace(day=1) for midnight in days(events, zone)} | set(days(events, zone))
    values = {dict(segment)[by] for segment in driver.segments() if by in dict(segment)}
    for rest in [(), *[(("channel", channel),) for channel in ("web", "phone", "chat", "email")]]:
        for midnight in map(calendar.midnight_ms, sorted(firsts)):
            total: Counters = {}
            for value in values:
                for counter, number in by_day(driver, midnight, ((by, value), *rest)).items():
                    total[counter] = total.get(counter, 0) + number
            assert total == by_day(driver, midnight, rest)


@settings(laws, max_examples=60)
@given(seed=seeds, zone=zones, silences=st.booleans(), by=dimensions)
def test_any_story_by_persona_or_stage_equals_the_list(
    seed: int, zone: str, silences: bool, by: tuple[Segmentation, ...]
) -> None:
    random = Random(seed)
    days, now_ms = random.choice(((2, NOW), (8, NOW), (20, NOW), (90, LATER)))
    events = Teller(seed, days=days).story(random.randint(1, 4), acts=3)
    assume(events)
    told = Told(some_rules(random), seed, partitions=random.choice((1, 2)), zone=zone, by=by, now_ms=now_ms)
    told.tell(events, silences)
    told.check(seed)
    if by == BY_STAGE:
        assert_all_add_up(told.driver, events, zone, "stage")
    elif told.watch.rules[-1][0] == "rest":
        assert_all_add_up(told.driver, events, zone)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_story_by_persona_equals_the_list(seed: int) -> None:
    events = Teller(seed, days=25).story(customers=25, acts=5)
    told = Told([*some_rules(Random(seed)), ("all", [])], seed, partitions=3)
    told.tell(events, silences=seed > 1)
    told.check(seed)
    assert_all_add_up(told.driver, events, "UTC")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_story_by_stage_equals_the_list(seed: int) -> None:
    events = Teller(seed, days=90).story(customers=20, acts=5)
    told = Told([], seed, partitions=3, by=BY_STAGE, now_ms=LATER)
    told.tell(events, silences=seed > 1)
    told.check(seed)
    assert_all_add_up(told.driver, events, "UTC", "stage")


@laws
@given(seed=seeds, by=dimensions)
def test_any_batches_give_the_same_personas(seed: int, by: tuple[Segmentation, ...]) -> None:
    events, rules = Teller(seed).story(customers=6, acts=3), some_rules(Random(seed))
    stores = []
    for batches in (iter([len(events)]), sizes(seed), iter([1] * len(events))):
        driver, at = Driver(config(rules, by=by)), 0
        while at < len(events):
            size = next(batches)
            driver.feed([record(event) for event in events[at : at + size]], NOW)
            at += size
        stores.append([decoded(store) for store in cells(driver)])
    assert stores[0] == stores[1] == stores[2]


@laws
@given(seed=seeds, lose=st.booleans(), again=st.one_of(st.none(), st.integers(0, 40)), by=dimensions)
def test_a_crash_changes_nothing_of_personas(
    seed: int, lose: bool, again: int | None, by: tuple[Segmentation, ...]
) -> None:
    events, chance = Teller(seed).story(customers=6, acts=3), Random(seed)
    told = Told(some_rules(chance), seed, partitions=2, by=by)

    def crash(driver: Driver, now_ms: int) -> None:
        if chance.random() < 0.3:
            driver.crash(chance.randrange(2), now_ms, again, lose=lose, batch=chance.choice((None, 1, 7)))

    told.tell(events, silences=False, crash=crash)
    told.check(seed)


@laws
@given(seed=seeds, by=dimensions)
def test_a_crash_in_a_silence_changes_nothing_of_personas(seed: int, by: tuple[Segmentation, ...]) -> None:
    events, chance = Teller(seed).story(customers=5, acts=3), Random(seed)
    told = Told(some_rules(chance), seed, by=by)

    def crash(driver: Driver, now_ms: int) -> None:
        if chance.random() < 0.5:
            driver.crash(0, now_ms, again=0)

    told.tell(events, silences=True, crash=crash)
    told.check(seed)


@laws
@given(seed=seeds, kept=st.sampled_from([2 * DAY, 10 * DAY, 42 * DAY]), by=dimensions)
def test_what_is_forgotten_is_in_its_persona_whatever_the_batches(
    seed: int, kept: int, by: tuple[Segmentation, ...]
) -> None:
    events = Teller(seed, days=300).story(customers=4, acts=8)
    ours = config([*some_rules(Random(seed)), ("all", [])])
    forgetful = replace(keeping.config(kept), segmentations=by, personas=ours.personas)
    stores = []
    for batches in (iter([len(events)]), sizes(seed), iter([1] * len(events))):
        driver = fed(Driver(forgetful), events, batches, keeping.NOW)
        stores.append([decoded(store) for store in cells(driver)])
    assert stores[0] == stores[1] == stores[2]
    last = max(event["time"] for event in events)
    recent = [event for event in events if event["time"] > last - 38 * DAY]
    assert_all_add_up(driver, recent, "UTC", "persona" if by == BY_PERSONA else "stage")
