"""Laws of identity: ids that are joined count as one customer, as if they had been one id from the beginning."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import example, given
from msgspec import json

from schemas.handover import Handover
from stream.config import Config
from stream.driver import Driver
from stream.metrics import Value
from stream.personas import ACTIVE, PURCHASES, TICKETS, Persona, Within
from stream.stages import LAPSED, NEW, STAGES
from stream.versions import NewerStateError
from tests.laws.oracle import Event
from tests.laws.stories import DAY, HOUR, START, Teller, record
from tests.laws.test_fold import (
    NOW,
    assert_active_equals_the_set,
    assert_cohorts_equal_the_set,
    assert_equals_the_list,
    config,
    laws,
    seeds,
    sizes,
)

PARTITIONS, STEPS = 3, 36
Joined = dict[str, str]
"""By id, the one that stands for all that are joined to it."""


class Persons:
    """A story of ids, some of which are one person's, and of when that was said, in order of arrival."""

    def __init__(self, seed: int, customers: int = 9, acts: int = 2) -> None:
        self.random = Random(seed)
        told = one_at_a_time(Teller(seed).story(customers, acts))
        ids = sorted({event["customer"] for event in told})
        self.pairs: list[tuple[str, ...]] = []
        for _ in range(self.random.randint(1, len(ids))):
            self.pairs.append(tuple(self.random.sample(ids, 2)))
            if max(Counter(event["customer"] for event in self.as_one(told)).values()) > STEPS:
                self.pairs.pop()  # a journey of so many steps is not put in order any more
        said = [
            {"type": "customer.identified", "id": f"i{number}", "customer": known, "previous": previous}
            | {"time": START + self.random.randrange(6 * DAY), "channel": "web"}
            for number, (known, previous) in enumerate(self.pairs)
        ]
        for event in said:
            told.insert(self.random.randint(0, len(told)), event)
        self.told = told

    def end(self, place: Callable[[bytes], int]) -> Iterator[Event]:
        """The last thing in each partition, all at one time; ``place`` says in which a customer is."""
        time = max(event["time"] for event in self.told) + self.random.choice((1, HOUR, 8 * DAY, 40 * DAY))
        missing, number = set(range(PARTITIONS)), 0
        while missing:
            name = f"end-{number}"
            if place(name.encode()) in missing:
                missing.remove(place(name.encode()))
                yield {"type": "visit.load", "page": "/", "load_ms": 1, "id": name, "customer": name} | {
                    "time": time,
                    "channel": "web",
                }
            number += 1

    def as_one(self, events: list[Event]) -> list[Event]:
        """The same, with one id for all of a person's."""
        one = {event["customer"]: event["customer"] for event in events}
        for pair in self.pairs:
            names = {one[each] for each in pair}
            one = {each: min(names) if name in names else name for each, name in one.items()}
        return [{**event, "customer": one[event["customer"]]} for event in events]


def one_at_a_time(events: list[Event]) -> list[Event]:
    """No two at one moment: of those, the order of arrival decides, which there is none of between partitions."""
    taken: set[int] = set()
    found = []
    for event in events:
        time = event["time"]
        while time in taken:
            time += 1
        taken.add(time)
        found.append({**event, "time": time})
    return found


def feed(driver: Driver, events: list[Event], batches: Iterator[int], crashes: Random | None = None) -> None:
    at = 0
    while at < len(events):
        size = next(batches)
        driver.feed([record(event) for event in events[at : at + size]], NOW)
        at += size
        if crashes is not None and crashes.random() < 0.3:
            batch = crashes.choice((None, 1, 2, 7))
            driver.crash(crashes.randrange(PARTITIONS), NOW, crashes.choice((0, 3, None)), lose=True, batch=batch)


def assert_all_is_one(driver: Driver, persons: Persons, events: list[Event], seed: int) -> None:
    truth = persons.as_one(events)
    assert driver.rejected == []
    assert_equals_the_list(driver, truth, seed)
    assert_active_equals_the_set(driver, truth, seed, "UTC")
    assert_cohorts_equal_the_set(driver, truth, "UTC")


@laws
@given(seeds)
@example(106)
@example(27)
def test_joined_ids_count_as_one_customer(seed: int) -> None:
    persons, driver = Persons(seed), Driver(config(), partitions=PARTITIONS)
    events = [*persons.told, *persons.end(driver.source_of)]
    feed(driver, events, sizes(seed))
    driver.advance(NOW)
    assert_all_is_one(driver, persons, events, seed)


@laws
@given(seeds)
def test_whatever_crashes(seed: int) -> None:
    persons, driver = Persons(seed), Driver(config(), partitions=PARTITIONS)
    events = [*persons.told, *persons.end(driver.source_of)]
    feed(driver, events, sizes(seed), Random(seed))
    driver.advance(NOW)
    assert_all_is_one(driver, persons, events, seed)


@pytest.mark.parametrize("seed", range(3))
def test_who_is_who_may_be_said_after_all_else(seed: int) -> None:
    persons, driver = Persons(seed), Driver(config(), partitions=PARTITIONS)
    said = [event for event in persons.told if event["type"] == "customer.identified"]
    events = [*(event for event in persons.told if event not in said), *persons.end(driver.source_of), *said]
    feed(driver, events, sizes(seed))
    driver.advance(NOW)
    assert_all_is_one(driver, persons, events, seed)


def test_what_a_later_release_hands_over_stops_the_worker() -> None:
    """Were it rejected, it would be lost: whoever handed it over has taken it back."""
    handed = Handover(customer="ann", app="cxstream", origin=(1, 7, 0), kind=b"t", name=("t1",), state=b"\xc1\x63")
    driver = Driver(config())
    with pytest.raises(NewerStateError):
        driver.feed([(b"ann", json.encode(handed))], NOW)


def test_what_another_deployment_hands_over_is_passed_over() -> None:
    handed = Handover(customer="ann", app="another", origin=(1, 7, 0), into="bob")
    driver = Driver(config())
    driver.feed([(b"ann", json.encode(handed))], NOW)
    assert [(folded.handed, folded.rejected) for folded in driver.folded] == [([], [])]


def by_standing(driver: Driver, events: list[Event]) -> dict[tuple[object, ...], Value | None]:
    """What the days count for each persona and each stage, over some stretches of days."""
    first = min(event["time"] for event in events) // DAY * DAY
    last = max(event["time"] for event in events) // DAY * DAY
    return {
        (name, start, value): driver.value(name, (start, last + DAY), **{by: value})
        for name in ("active_customers", "new_customers", "retained_customers")
        for start in (first, last - 8 * DAY, last)
        for by, values in (("persona", ("buyer", "asker", "quiet", "guest")), ("stage", (NEW, LAPSED, *STAGES)))
        for value in values
    }


@laws
@given(seeds)
@example(185)
@example(268)
@example(321)
def test_a_joined_customer_has_one_persona_and_one_stage(seed: int) -> None:
    personas = (
        Persona("buyer", (Within(PURCHASES, 30, at_least=2),)),
        Persona("asker", (Within(TICKETS, 30, at_least=2),)),
        Persona("quiet", (Within(ACTIVE, 60, below=3),)),
        Persona("guest"),
    )
    settings = Config(segmentations=((), ("persona",), ("stage",)), personas=personas)
    persons, joined, alone = (
        Persons(seed),
        Driver(settings, partitions=PARTITIONS),
        Driver(settings, partitions=PARTITIONS),
    )
    events = [*persons.told, *persons.end(joined.source_of)]
    for driver, told in ((joined, events), (alone, persons.as_one(events))):
        feed(driver, told, sizes(seed))
        driver.advance(NOW)
    assert joined.rejected == alone.rejected == []
    assert by_standing(joined, events) == by_standing(alone, events)
