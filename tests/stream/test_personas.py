"""Personas: the rules one by one, how a customer moves, and settings that change."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from msgspec import msgpack

from schemas.cell import Cell, CellKey, Segment
from stream.config import Config
from stream.counters import Counters
from stream.customer import Customer
from stream.driver import Driver, Line, Store
from stream.facts import Answered, Opened, Purchased, Refunded
from stream.fold import Fold
from stream.keeping import CUSTOMER, scanned
from stream.marker import MARKER, decode_marker
from stream.personas import (
    ACTIVE,
    PURCHASES,
    REVENUE,
    TICKETS,
    Condition,
    FirstSeen,
    Inactive,
    Now,
    Nps,
    Persona,
    Profile,
    Rules,
    Within,
)
from stream.slices import DAY_MS, HOUR_MS, Calendar
from stream.totals import PREFIX as CELL
from tests.laws.stories import DAY, START, record
from tests.stream.whole import whole

NOW = START + 100 * DAY
BUYER = Persona("buyer", (Within(PURCHASES, 30, at_least=1),))
GONE = Persona("gone", (Inactive(10),))
GUEST = Persona("guest")
PERSONAS = (GONE, BUYER, GUEST)
BY = ((), ("persona",), ("channel",), ("persona", "channel"))


def config(**given: Any) -> Config:
    return Config(segmentations=given.pop("segmentations", BY), personas=given.pop("personas", PERSONAS), **given)


def visit(number: int, time: int, customer: str = "ann", **fields: object) -> tuple[bytes, bytes]:
    event = {"type": "visit.page", "id": f"v{number}", "time": time, "customer": customer, "channel": "web"}
    return record({**event, "page": "/", **fields})


def purchase(number: int, time: int, **fields: object) -> tuple[bytes, bytes]:
    fields = {"order": f"o{number}", "amount": 100, "currency": "EUR", **fields}
    return visit(number, time, str(fields.pop("customer", "ann")), type="purchase.completed", **fields)


def active(driver: Driver, first: int, days: int, **segment: str) -> int:
    """Who was active in so many days from the one of this number after the start on."""
    start = START + first * DAY
    wanted = next(names for names in driver.config.segmentations if set(names) == set(segment))
    found = driver.values(start, start + days * DAY, tuple((name, segment[name]) for name in wanted))
    return found["active_customers"].samples if "active_customers" in found else 0


def touchpoints(driver: Driver, segment: Segment) -> int:
    found = driver.values(START, START + 60 * DAY, segment)
    return found["touchpoints"].samples if "touchpoints" in found else 0


# The rules


@pytest.mark.parametrize(
    ("condition", "day", "ms", "holds"),
    [
        (Within(REVENUE + "EUR", 3, at_least=60), 12, 0, True),
        (Within(REVENUE + "EUR", 3, at_least=61), 12, 0, False),
        (Within(REVENUE + "EUR", 3, at_least=60), 13, 0, False),
        (Within(REVENUE + "EUR", 3, below=1), 13, 0, True),
        (Within(REVENUE + "USD", 9, below=1), 10, 0, True),
        (Within(PURCHASES, 3, at_least=1, below=2), 12, 0, True),
        (Within(TICKETS, 4, at_least=1), 12, 0, True),
        (Within(ACTIVE, 4, at_least=2), 12, 0, True),
        (Within(ACTIVE, 3, at_least=2), 12, 0, False),
        (Inactive(2), 12, 12 * DAY_MS, True),
        (Inactive(2), 12, 12 * DAY_MS - 1, False),
        (FirstSeen(at_least=3), 12, 12 * DAY_MS, True),
        (FirstSeen(at_least=3), 12, 12 * DAY_MS - 1, False),
        (FirstSeen(at_most=3), 12, 12 * DAY_MS, True),
        (FirstSeen(at_most=3), 12, 12 * DAY_MS + 1, False),
        (Nps("passive"), 12, 0, True),
        (Nps("promoter"), 12, 0, False),
    ],
)
def test_a_condition_holds_to_the_day_or_to_the_millisecond(
    condition: Condition, day: int, ms: int, holds: bool
) -> None:
    """Seen and active on day 9; on day 10 active, a purchase of 100 of which 40 came back, a ticket, and a 7."""
    every = [Within(what, 9, below=0) for what in (REVENUE + "EUR", REVENUE + "USD", PURCHASES, TICKETS, ACTIVE)]
    rules, profile, now = Rules([Persona("x", (*every, Nps("passive")))]), Profile(), Now(10 * DAY_MS, 10)
    rules.see(profile, 9 * DAY_MS, 9, Now(9 * DAY_MS, 9))
    rules.see(profile, 10 * DAY_MS, 10, now)
    rules.see(profile, 11 * DAY_MS, None, now)
    for fact in (Purchased("EUR", 100, False, False), Refunded("EUR", 40, False), Opened()):
        rules.learn(profile, fact, now, 10)
    rules.learn(profile, Answered("nps", 3, 0, 10), now, 9, 9 * DAY_MS)
    rules.learn(profile, Answered("nps", 7, 0, 10), now, 10, 10 * DAY_MS)
    assert condition.holds(profile, Now(ms, day)) == holds


def test_of_a_customer_of_whom_nothing_is_known_nothing_but_little_holds() -> None:
    conditions: list[Condition] = [
        Inactive(1),
        FirstSeen(at_most=9),
        FirstSeen(at_least=0),
        Nps("detractor"),
        Within(ACTIVE, 9, at_least=1),
    ]
    assert not any(condition.holds(Profile(), Now(START, 1)) for condition in conditions)
    assert Within(PURCHASES, 9, below=1).holds(Profile(), Now(START, 1))


def test_only_days_that_some_rule_asks_for_are_kept() -> None:
    rules, profile = Rules([Persona("x", (Within(ACTIVE, 5, at_least=1), Within(ACTIVE, 30, below=9)))]), Profile()
    for day in range(1, 400):
        rules.see(profile, day * DAY_MS, day, Now(day * DAY_MS, day))
        rules.learn(profile, Purchased("EUR", 1, False, False), Now(day * DAY_MS, day), day)
        rules.learn(profile, Answered("nps", 1, 0, 10), Now(day * DAY_MS, day), day, day * DAY_MS)
    assert {measure: sorted(days) for measure, days in profile.sums.items()} == {ACTIVE: list(range(370, 400))}
    assert profile.scores == []


# A customer becomes another one


def test_a_customer_who_changes_persona_moves_all_days() -> None:
    driver = Driver(config())
    driver.feed([visit(number, START + number * DAY) for number in range(5)], NOW)
    assert active(driver, 0, 5, persona="guest") == active(driver, 0, 5, persona="guest", channel="web") == 1
    driver.feed([purchase(9, START + 5 * DAY, channel="phone")], NOW)
    for day in range(6):
        assert active(driver, day, 1, persona="guest") == 0
        assert active(driver, day, 1, persona="buyer") == active(driver, day, 1) == 1
        assert active(driver, day, 1, persona="buyer", channel="web") == (day < 5)
    stickiness = driver.values(START, START + 6 * DAY, (("persona", "buyer"),))["stickiness_ratio"]
    assert stickiness == driver.values(START, START + 6 * DAY)["stickiness_ratio"]
    driver.feed([visit(10, START + 6 * DAY, "bob", type="email.sent", page=None)], NOW)
    driver.feed([visit(11, START + 40 * DAY, "bob", type="email.sent", page=None)], NOW)
    assert [active(driver, 0, 6, persona=name) for name in ("gone", "buyer", "guest")] == [1, 0, 0]


def test_touchpoints_count_in_the_persona_before_them() -> None:
    driver = Driver(config())
    driver.feed([visit(1, START), purchase(2, START + 1), visit(3, START + 2), visit(4, START + 20 * DAY)], NOW)
    counted = {name: touchpoints(driver, (("persona", name),)) for name in ("guest", "buyer", "gone")}
    assert counted == {"guest": 2, "buyer": 1, "gone": 1}
    revenue = driver.values(START, START + DAY, (("persona", "guest"),))["revenue"]
    assert revenue.value == 100


def test_a_refund_makes_a_buyer_a_guest_and_is_counted_as_the_buyers() -> None:
    driver = Driver(config())
    refund = visit(2, START + DAY, type="purchase.refunded", order="o1", amount=100, currency="EUR")
    driver.feed([purchase(1, START), purchase(1, START), refund], NOW)
    assert [active(driver, 0, 1, persona=name) for name in ("buyer", "guest")] == [0, 1]
    assert touchpoints(driver, (("persona", "buyer"),)) == 1


def test_who_is_silent_on_a_silent_partition_becomes_another_one_also_after_a_crash() -> None:
    driver = Driver(config())
    driver.feed([visit(1, START)], NOW)
    driver.crash(0, NOW, again=0)
    driver.go_on(NOW + 10 * DAY + 1_999)
    assert active(driver, 0, 1, persona="guest") == 1
    driver.go_on(NOW + 10 * DAY + 2_000)
    assert [active(driver, 0, 1, persona=name) for name in ("guest", "gone")] == [0, 1]
    driver.crash(0, NOW, again=0)
    driver.feed([visit(2, START + 1, type="email.sent")], NOW)
    assert [active(driver, 0, 1, persona=name) for name in ("guest", "gone")] == [0, 1]
    assert touchpoints(driver, (("persona", "gone"),)) == 1


def test_who_has_no_persona_is_in_no_segment_and_comes_with_all_days() -> None:
    driver = Driver(config(personas=(BUYER,), segmentations=((), ("persona", "channel"))))
    driver.feed([visit(1, START), visit(2, START + DAY, channel="phone")], NOW)
    assert driver.segments() == {()}
    driver.feed([purchase(3, START + 2 * DAY)], NOW)
    assert [active(driver, day, 1, persona="buyer", channel="web") for day in range(3)] == [1, 0, 1]
    assert [active(driver, day, 1, persona="buyer", channel="phone") for day in range(3)] == [0, 1, 0]


def test_a_label_called_persona_is_one_where_there_are_no_personas_and_gives_way_where_there_are() -> None:
    labelled = visit(1, START, labels={"persona": "vip"})
    for personas, name in (((), "vip"), (PERSONAS, "guest")):
        driver = Driver(config(personas=personas))
        driver.feed([labelled], NOW)
        assert touchpoints(driver, (("persona", name),)) == active(driver, 0, 1, persona=name) == 1


def test_who_is_forgotten_has_become_what_time_made_of_them_before() -> None:
    """Whoever it is that the watermark comes so far with."""
    for customer in ("ann", "bob"):
        driver = Driver(config(kept_ms={"customer": 40 * DAY}))
        driver.feed([visit(1, START), visit(2, START + 60 * DAY, customer)], NOW)
        counted = [active(driver, 0, 1, persona=name) for name in ("guest", "gone")]
        assert counted == [0, 1]
        assert active(driver, 60, 1, persona="guest") == 1


def test_nothing_is_stored_for_personas_where_there_are_none() -> None:
    for given, fields in ((config(), 7), (config(personas=()), 4), (config(segmentations=((),)), 4)):
        driver = Driver(given)
        driver.feed([visit(1, START), purchase(2, START + 1)], NOW)
        (data,) = (value for key, value in driver.stores()[0].items() if key.startswith(CUSTOMER))
        assert len(msgpack.decode(data)) == fields
        assert any(key.startswith(b"dp") for key in driver.stores()[0]) == (fields == 7)


# Settings change


class Went:
    """One state, over which folds of several settings go, one after the other."""

    def __init__(self) -> None:
        self.store: Store = {}
        self.offset = 0

    def on(self, given: Config, *told: tuple[bytes, bytes]) -> None:
        fold = Fold(given, "touchpoints", 0, self.store.get, self.store, partial(scanned, self.store))
        lines = [Line(self.offset + at, *pair) for at, pair in enumerate(told)]
        self.offset += len(told)
        folded = fold.process(lines, NOW)
        assert folded.rejected == []
        for key, value in folded.changes.items():
            self.store.pop(key, None) if value is None else self.store.__setitem__(key, value)

    def active(self, day: int, *segment: tuple[str, str]) -> Counters:
        """What is counted by the day of who was active."""
        cells = {
            CellKey(*msgpack.decode(key[1:], type=tuple[Segment, int, int]), 0): msgpack.decode(value)
            for key, value in self.store.items()
            if key.startswith(CELL)
        }
        reached_ms = decode_marker(self.store[MARKER]).watermark_ms
        end_ms = Calendar().slice_end_ms
        found = {
            key: Cell(each, 0, 0, end_ms(key.resolution_ms, key.start_ms) > reached_ms) for key, each in cells.items()
        }
        counters = whole(found, Calendar()).get(CellKey(segment, DAY_MS, START + day * DAY_MS, 0), {})
        return {name: number for name, number in counters.items() if name.startswith(("active.", "cohort."))}


def test_days_of_before_there_were_personas_count_in_the_first_one() -> None:
    went = Went()
    went.on(config(personas=()), visit(1, START), visit(2, START + DAY))
    went.on(config(), visit(3, START + 2 * DAY))
    for day in range(3):
        assert went.active(day, ("persona", "guest")) == went.active(day) != {}


def test_a_segmentation_that_comes_later_gets_all_days_and_one_that_goes_gives_them_back() -> None:
    went, few = Went(), config(segmentations=((), ("channel",), ("persona",)))
    went.on(few, visit(1, START), visit(2, START + DAY))
    went.on(config(), visit(3, START + 2 * DAY))
    by_channel = ("persona", "guest"), ("channel", "web")
    assert went.active(0, *by_channel) == went.active(0, ("channel", "web")) == went.active(0, ("persona", "guest"))
    went.on(few, visit(4, START + 3 * DAY))
    assert went.active(0, *by_channel) == {}
    went.on(config(), purchase(5, START + 4 * DAY))
    assert went.active(0, *by_channel) == went.active(0, ("persona", "guest")) == {}
    assert went.active(3, ("persona", "buyer"), ("channel", "web")) == went.active(3) != {}


def test_personas_that_go_and_come_again_count_everybody_once() -> None:
    went = Went()
    went.on(config(), visit(1, START), visit(2, START + 1, "bob"))
    went.on(config(personas=()), visit(3, START + DAY))
    assert went.active(0, ("persona", "guest")) == {"active.new": 1}  # bob's
    went.on(config(), purchase(4, START + 2 * DAY), purchase(5, START + 2 * DAY, customer="bob"))
    for day in range(3):
        assert went.active(day, ("persona", "guest")) == {}
        assert went.active(day, ("persona", "buyer")) == went.active(day) != {}


def test_other_rules_hold_from_when_the_customer_is_next_looked_at() -> None:
    went = Went()
    went.on(config(), visit(1, START))
    went.on(config(personas=(Persona("friend"),)), visit(2, START + HOUR_MS, "bob"))
    assert went.active(0, ("persona", "guest")) != {}
    went.on(config(personas=(Persona("friend"),)), visit(3, START + 2 * HOUR_MS))
    assert went.active(0, ("persona", "guest")) == {}
    assert went.active(0, ("persona", "friend")) == went.active(0)


def test_a_profile_is_stored_as_it_is() -> None:
    customer = Customer()
    profile = customer.profiled()
    profile.persona, profile.counted_by, profile.sums["active"] = "vip", (("persona",),), {7: 1}
    again = Customer.decode(customer.encode())
    assert again.profile == profile
    assert Customer.decode(again.encode()).profile == profile
    again.forget()
    assert again.profile is None


def test_a_customer_beyond_the_cap_of_segments_moves_too() -> None:
    driver = Driver(replace(config(), max_segments=1))
    driver.feed([visit(1, START), visit(2, START + 1, channel="phone"), purchase(3, START + 2)], NOW)
    found = {segment: driver.counters(START, START + DAY, segment) for segment in driver.segments() if segment}
    counted = {s: sum(n for name, n in c.items() if name.startswith("active.")) for s, c in found.items()}
    assert all(number >= 0 for number in counted.values())
    assert counted[("persona", "other"),] == 1
