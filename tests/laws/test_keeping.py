"""Laws of forgetting: no number that is kept changes, and neither batches nor crashes decide what is forgotten."""

import re
from collections.abc import Iterator, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cases import KINDS, AnswerKind, TicketKind
from stream.config import Config
from stream.customer import Customer
from stream.driver import Driver
from stream.keeping import CUSTOMER, LIST
from stream.slices import DAY_MS, Calendar
from tests.laws import oracle
from tests.laws.oracle import Event
from tests.laws.stories import DAY, HOUR, START, Teller, record
from tests.laws.test_fold import SEGMENTATIONS, cells, decoded, fed, laws, seeds, segments, sizes, visit

ANEW = re.compile("stage_|journeys|multichannel|handoff|accounts_")
"""Of what was forgotten: a journey begins anew, and an account is not known to be paid."""
NOW = START + 2_000 * DAY
RETENTION_MS = {**Config().retention_ms, DAY_MS: 40 * DAY}


def config(kept: int = 42 * DAY, kept_ms: Mapping[str, int] = {}) -> Config:
    """Days are kept for 40 days, customers and cases for 42, or as ``kept_ms`` says."""
    usual = dict.fromkeys(("customer", *(kind.title for kind in KINDS)), kept)
    return Config(segmentations=SEGMENTATIONS, retention_ms=RETENTION_MS, kept_ms={**usual, **kept_ms})


def run(
    events: list[Event],
    batches: Iterator[int] | None = None,
    kept: int = 42 * DAY,
    kept_ms: Mapping[str, int] = {},
) -> Driver:
    return fed(Driver(config(kept, kept_ms)), events, batches, NOW)


def objects(driver: Driver, kind: bytes) -> int:
    return sum(key.startswith(kind) for store in driver.stores() for key in store)


def last_days(events: list[Event], number: int) -> list[int]:
    """The midnights from so many days before the last event on."""
    last = max(event["time"] for event in events)
    return [last - last % DAY - day * DAY for day in range(number, -2, -1)]


@laws
@given(seed=seeds)
def test_what_is_forgotten_changes_no_number_that_is_kept(seed: int) -> None:
    events, random = Teller(seed, days=300).story(customers=4, acts=12), Random(seed)
    driver = run(events, sizes(seed))
    assert sum(folded.forgotten for folded in driver.folded) > 0
    for _ in range(6):
        start, end = sorted(random.sample(last_days(events, 39), 2))
        for segment in segments(events):
            found = {name: (v.value, v.samples) for name, v in driver.values(start, end, segment).items()}
            truth = oracle.expected(events, start, end, segment)
            truth.pop("repeat_purchase_ratio", None)  # who has bought nothing for so long is new again
            truth = {name: value for name, value in truth.items() if not ANEW.match(name)}
            assert {name: found.get(name) for name in truth} == {name: (float(v), n) for name, (v, n) in truth.items()}
            first, last = oracle.day(start, "UTC"), oracle.day(end - 1, "UTC")
            seen = oracle.active(events, first, last, "UTC", segment)
            assert found.get("active_customers", (0, 0))[1] == len(seen)


@laws
@given(seed=seeds, kept=st.sampled_from([3 * HOUR, 2 * DAY, 42 * DAY]))
def test_batches_do_not_decide_what_is_forgotten(seed: int, kept: int) -> None:
    events = Teller(seed, days=300).story(customers=4, acts=8)
    whole = run(events, kept=kept)
    for batches in (sizes(seed), iter([1] * len(events))):
        parts = run(events, batches, kept=kept)
        assert [decoded(store) for store in cells(parts)] == [decoded(store) for store in cells(whole)]


@laws
@given(seed=seeds, lose=st.booleans())
def test_crashes_do_not_decide_what_is_forgotten(seed: int, lose: bool) -> None:
    events, random, at = Teller(seed, days=300).story(customers=4, acts=8), Random(seed), 0
    driver = Driver(config())
    while at < len(events):
        size = random.choice((1, 5, 30))
        driver.feed([record(event) for event in events[at : at + size]], NOW)
        at += size
        if random.random() < 0.3:
            driver.crash(0, NOW, random.choice((None, 0, 20)), lose=lose, batch=random.choice((None, 1, 7)))
    driver.advance(NOW)
    assert [decoded(store) for store in cells(driver)] == [decoded(store) for store in cells(run(events))]


@pytest.mark.parametrize("later", [0, 1])
def test_a_customer_is_kept_to_the_millisecond(later: int) -> None:
    """A repeat is recognised as long as the customer is kept."""
    first, other = visit(1, START), visit(2, START + 42 * DAY + later, "bob")
    driver = run([first, other, {**first, "time": START + 5 * DAY}])
    assert sum(folded.duplicates for folded in driver.folded) == 1 - later


def answered(number: int, time: int, score: int) -> Event:
    return {**visit(number, time), "type": "survey.answered", "survey": "s", "kind": "csat", "score": score}


@pytest.mark.parametrize(("later", "samples"), [(33 * DAY, 1), (33 * DAY + 1, 2)])
def test_an_answer_counts_beside_one_that_is_forgotten(later: int, samples: int) -> None:
    driver = run([answered(1, START, 2), answered(2, START + later, 8)], kept_ms={"answer": 33 * DAY})
    assert driver.values(START, START + 40 * DAY)["csat_score"].samples == samples


def test_an_answer_that_does_not_replace_another_keeps_it() -> None:
    told = [answered(3, START, 9), answered(2, START - DAY, 5), visit(4, START + 20 * DAY)]
    told += [answered(1, START - 2 * DAY, 5), answered(5, START + 45 * DAY, 1)]
    driver = run(told, kept_ms={"answer": 33 * DAY})
    assert driver.values(START, START + 50 * DAY)["csat_score"].samples == 1


def test_touchpoints_of_a_ticket_that_come_late_together_find_each_other() -> None:
    about = {"ticket": "t", "author": "customer"}
    told = [
        visit(1, START + 39 * DAY),
        {**visit(2, START), "type": "ticket.opened", **about},
        {**visit(3, START + HOUR), "type": "ticket.resolved", "ticket": "t"},
    ]
    driver = run(told, kept_ms={"ticket": 33 * DAY})
    assert driver.values(START, START + DAY)["resolution_mean_seconds"].value == 3600


def test_nothing_is_left_of_those_who_never_came_back() -> None:
    told = [visit(number, START + number, f"customer-{number}") for number in range(3_000)]
    told += [answered(5_000, START + 5_000, 3)]
    told += [{**visit(6_000, START + 6_000), "type": "ticket.opened", "ticket": "t", "author": "customer"}]
    driver = run([*told, visit(7_000, START + 100 * DAY, "bob")], iter([1_000, 1_000, 1_000, 1_000]))
    assert (objects(driver, CUSTOMER), objects(driver, TicketKind.prefix), objects(driver, AnswerKind.prefix)) == (
        1,
        0,
        0,
    )
    assert objects(driver, LIST) == 1
    assert sum(folded.forgotten for folded in driver.folded) == 3_000 + 3


def test_a_batch_clears_away_only_so_much() -> None:
    told = [visit(number, START + number, f"customer-{number}") for number in range(25)]
    told += [visit(100 + number, START + 100 * DAY + number, "bob") for number in range(4)]
    driver = run(told, iter([1] * len(told)))
    gone = [folded.forgotten for folded in driver.folded]
    assert gone == [0] * 25 + [10, 10, 5, 0]


def test_the_days_of_a_customer_do_not_grow_for_ever() -> None:
    days = [START + number * DAY for number in range(0, 400, 5)]
    driver = run([visit(number, time) for number, time in enumerate(days)])
    (data,) = (value for key, value in driver.stores()[0].items() if key.startswith(CUSTOMER))
    activity = Customer.decode(data).activity["[]"]
    today = Calendar().day_number(days[-1])
    assert today - 46 <= activity.first_day <= today - 40
    assert len(activity.days) <= 6
