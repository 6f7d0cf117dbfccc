"""Laws of friction: whatever the order, the batches and the crashes, an alert says what is so, and since when."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import FrictionAlert
from stream.config import Config
from stream.driver import Driver
from stream.friction import SIGNALS
from stream.marker import MARKER, decode_marker
from stream.slices import HOUR_MS
from stream.tuning import Tuning
from tests.laws.frictions import COOLDOWN, HOLDS, REPLY, SET, SOLVE, WAIT, Life
from tests.laws.grumbles import Grumbler
from tests.laws.oracle import Event
from tests.laws.stories import DAY, record
from tests.laws.test_fold import NOW, laws, seeds, sizes
from tests.laws.test_fold import config as usual
from tests.laws.test_identity import PARTITIONS, Persons, feed

IDLE = 2_000
HOURS = {name: COOLDOWN.get(name, signal.cooldown_hours) for name, signal in SIGNALS.items()}
TUNED = {name: Tuning(cooldown_ms=HOURS[name] * HOUR_MS, thresholds=SET[name]) for name in SIGNALS}
Crash = Callable[[Driver, int], None]


def config(zone: str = "UTC") -> Config:
    targets = {"wait": WAIT, "first_reply": REPLY, "resolution": SOLVE}
    return replace(usual(zone), targets=targets, friction=TUNED)


class Told:
    """A driver that is told a story, and how far event time had come with each touchpoint, and with each silence."""

    def __init__(self, seed: int, partitions: int = 1, zone: str = "UTC") -> None:
        self.driver = Driver(config(zone), partitions=partitions)
        self.zone = zone
        self.random = Random(seed)
        self.clock_ms = NOW
        self.reached: dict[int, int] = {}
        self.steps: list[tuple[int, int, Event | None]] = []

    def tell(self, events: list[Event], silences: bool = False, crash: Crash | None = None) -> None:
        at, batches = 0, sizes(self.random.randrange(10**6))
        while at < len(events):
            some = events[at : at + next(batches)]
            at += len(some)
            self.driver.feed([record(event) for event in some], self.clock_ms)
            for event in some:
                source = self.driver.source_of(event["customer"].encode())
                self.reached[source] = max(self.reached.get(source, 0), event["time"])
                self.steps.append((source, self.reached[source], event))
            if crash is not None:
                crash(self.driver, self.clock_ms)
            if silences and self.random.random() < 0.2:
                self.be_silent(self.random.choice((1, 2, 5)) * DAY)
        self.be_silent(self.random.choice((0, HOUR_MS, 3 * DAY, 20 * DAY)) if silences else 0)
        self.driver.advance(self.clock_ms)

    def be_silent(self, for_ms: int) -> None:
        self.clock_ms += for_ms + (IDLE if for_ms else 0)
        for _ in range(2):
            self.driver.go_on(self.clock_ms)
        for source, store in enumerate(self.driver.stores()):
            if MARKER in store and source in self.reached:
                self.reached[source] = max(self.reached[source], decode_marker(store[MARKER]).reached_ms)
                self.steps.append((source, self.reached[source], None))

    def alerts(self) -> list[FrictionAlert]:
        """What went out, each transition once."""
        return list({alert.id: alert for alert in self.driver.frictions}.values())

    def check(self) -> None:
        """Each alert of each customer is as the list of all touchpoints says, at every moment."""
        said: dict[tuple[str, str], list[FrictionAlert]] = {}
        for alert in self.alerts():
            said.setdefault((alert.customer, alert.alert), []).append(alert)
        events = [event for *_, event in self.steps if event is not None]
        for customer in {event["customer"] for event in events}:
            source = self.driver.source_of(customer.encode())
            for signal in HOLDS:
                actual = said.pop((customer, signal), [])
                life = Life(signal, SET[signal], HOURS[signal] * HOUR_MS, self.zone, [a.about for a in actual])
                known: list[Event] = []
                for place, now_ms, event in self.steps:
                    if place != source:
                        continue
                    if event is None or event["customer"] != customer:
                        life.advance(known, now_ms)
                    else:
                        life.see(known, event, now_ms)
                        known.append(event)
                told = [(alert.state, alert.at_ms) for alert in actual]
                assert told == [(state, time) for state, time, _ in life.told], (customer, signal)
                assert all(a.about in holds for a, (_, _, holds) in zip(actual, life.told, strict=True)), signal
                assert_makes_sense(actual, {event["id"]: event for event in known})
        assert not said


def assert_makes_sense(alerts: list[FrictionAlert], events: dict[str, Event]) -> None:
    """Of one customer and signal: each resolves the one before, and rests on touchpoints that there were."""
    for number, alert in enumerate(alerts):
        assert alert.sequence == number // 2 + 1
        assert alert.id == f"{alert.fingerprint}-{alert.sequence}-{alert.state}"
        assert alert.since_ms <= alert.at_ms
        signs = {"≥": alert.value >= alert.bound, ">": alert.value > alert.bound}
        signs |= {"≤": alert.value <= alert.bound, "<": alert.value < alert.bound}
        assert signs[SIGNALS[alert.alert].sign], alert
        for each in alert.evidence:
            assert (events[each.id]["time"], events[each.id]["type"]) == (each.time_ms, each.type)
        last = events[alert.evidence[-1].id]
        names = ("channel", "segment", "region", "product")
        assert alert.labels == {name: last[name] for name in names if name in last}


@settings(laws, max_examples=40)
@given(seed=seeds, zone=st.sampled_from(["UTC", "Europe/Oslo"]), silences=st.booleans())
def test_any_story_equals_the_list(seed: int, zone: str, silences: bool) -> None:
    told = Told(seed, zone=zone)
    told.tell(Grumbler(seed).story(customers=3, acts=4), silences)
    told.check()


def test_stories_provoke_every_signal() -> None:
    seen: set[tuple[str, str]] = set()
    for seed in range(12):
        told = Told(seed)
        told.tell(Grumbler(seed).story(customers=4, acts=4), silences=True)
        seen |= {(alert.alert, alert.state) for alert in told.alerts()}
    assert seen == {(name, state) for name in SIGNALS for state in ("firing", "resolved")}


@laws
@given(seed=seeds, lose=st.booleans())
def test_partitions_and_crashes_neither_double_nor_lose_nor_resolve(seed: int, lose: bool) -> None:
    random = Random(seed)

    def crash(driver: Driver, now_ms: int) -> None:
        if random.random() < 0.3:
            again, batch = random.choice((None, 0, 20)), random.choice((None, 1, 7))
            driver.crash(random.randrange(3), now_ms, again, lose=lose, batch=batch)

    told = Told(seed, partitions=3)
    told.tell(Grumbler(seed).story(customers=5, acts=3), crash=crash)
    told.check()
    repeated = {alert.id: alert for alert in told.driver.frictions}
    assert all(repeated[alert.id] == alert for alert in told.driver.frictions)


@laws
@given(seed=seeds)
def test_any_batches_give_the_same_alerts(seed: int) -> None:
    events = Grumbler(seed).story(customers=4, acts=4)
    ways = []
    for size in (len(events), 1, 7):
        driver = Driver(config())
        for at in range(0, len(events), size):
            driver.feed([record(event) for event in events[at : at + size]], NOW)
        ways.append(sorted(driver.frictions, key=lambda alert: (alert.fingerprint, alert.sequence, alert.state)))
    assert ways[0] == ways[1] == ways[2]


@pytest.mark.parametrize("name", SIGNALS)
def test_the_oracle_knows_every_signal_and_threshold(name: str) -> None:
    assert SET[name].keys() == SIGNALS[name].thresholds.keys()
    assert name in HOLDS


@settings(laws, max_examples=25)
@given(seed=seeds, crashes=st.booleans())
def test_joined_ids_have_the_friction_of_one_customer(seed: int, crashes: bool) -> None:
    """In the end: on the way it depends on when each partition heard of it."""
    cool = {name: replace(tuning, cooldown_ms=0) for name, tuning in TUNED.items()}
    settings = replace(config(), friction=cool)
    persons = Persons(seed)
    joined, alone = (Driver(settings, partitions=PARTITIONS) for _ in range(2))
    events = [*persons.told, *persons.end(joined.source_of)]
    feed(joined, events, sizes(seed), Random(seed) if crashes else None)
    feed(alone, persons.as_one(events), sizes(seed))
    one = {event["id"]: event["customer"] for event in persons.as_one(events)}
    person = {event["customer"]: one[event["id"]] for event in events}
    assert standing(joined, person) == standing(alone, {name: name for name in person.values()})


def standing(driver: Driver, person: dict[str, str]) -> list[tuple[str, str]]:
    """Who has which alert firing; nobody has one under two ids."""
    last: dict[str, FrictionAlert] = {}
    for alert in driver.frictions:
        known = last.get(alert.fingerprint)
        if known is None or (alert.sequence, alert.state == "resolved") >= (known.sequence, known.state == "resolved"):
            last[alert.fingerprint] = alert
    return sorted((person[alert.customer], alert.alert) for alert in last.values() if alert.state == "firing")
