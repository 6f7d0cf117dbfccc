"""Laws of the whole pipeline: whatever the order, the batches, the partitions and the crashes, the same numbers.

Random stories go through the driver; ``oracle`` computes the same from the plain list of events.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, islice
from random import Random

import orjson
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from schemas.cell import Segment
from schemas.journey import JourneyStep
from schemas.rejected import Reason
from stream.backlog import backlog
from stream.config import Config, Segmentation
from stream.driver import Driver, Store
from stream.keeping import LIST
from stream.metrics import Value
from stream.metrics.lifecycle import Lifecycle
from stream.metrics.stickiness import Stickiness
from stream.slices import Calendar
from stream.timers import PREFIX as TIMER
from tests.laws import oracle, promises, travels
from tests.laws.oracle import Event
from tests.laws.stories import DAY, HOUR, MINUTE, SECOND, START, Teller, record

NOW = START + 100 * DAY
STOCKS = {"backlog_tickets", "accounts", "account_retention_ratio", "account_churn_ratio"}
SEGMENTATIONS = ((), ("channel",), ("segment",), ("region",), ("product",), ("channel", "region"))
QUANTILE = re.compile("_p[0-9]+_seconds$")
laws = settings(deadline=None, max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""A smaller seed is not a simpler story, so that there is nothing to shrink."""
seeds = st.integers(0, 10**6)


def config(zone: str = "UTC") -> Config:
    hours = [promises.OPEN.get(day) for day in range(7)]
    week = tuple(() if day is None else ((60 * day[0], 60 * day[1]),) for day in hours)
    return Config(
        segmentations=SEGMENTATIONS,
        calendar=Calendar(zone),
        targets=promises.BRISK.targets,
        confirm_ms=promises.BRISK.confirm,
        business_week=week,
        holidays=frozenset({promises.HOLIDAY}),
    )


def run(events: list[Event], batches: Iterator[int] | None = None, partitions: int = 1, zone: str = "UTC") -> Driver:
    """The driver after these events, fed in batches of the given sizes (None: all at once)."""
    return fed(Driver(config(zone), partitions=partitions), events, batches)


def fed(driver: Driver, events: list[Event], batches: Iterator[int] | None, now_ms: int = NOW) -> Driver:
    """The driver after these events, in batches of the given sizes (None: all at once)."""
    at = 0
    while at < len(events):
        size = next(batches) if batches is not None else len(events)
        driver.feed([record(event) for event in events[at : at + size]], now_ms)
        at += size
    driver.advance(now_ms)
    return driver


def sizes(seed: int) -> Iterator[int]:
    random = Random(seed)
    while True:
        yield random.choice((1, 1, 2, 3, 10, 50))


def cells(driver: Driver) -> list[Store]:
    """Cells, customers, cases and segments as stored; not what tells of batches.

    That are the marker, the lists, timers that were set for nothing, and cells in which all was taken back.
    """
    return [
        {key: value for key, value in store.items() if key[:1] not in (b"m", LIST, TIMER) and value != b"\x80"}
        for store in driver.stores()
    ]


def reached(driver: Driver, events: list[Event]) -> oracle.Reached:
    """How far event time has come in the partition of whoever an event is about."""
    last: dict[int, int] = {}
    for event in events:
        source = driver.source_of(event["customer"].encode())
        last[source] = max(last.get(source, 0), event["time"])
    return lambda event: last[driver.source_of(event["customer"].encode())]


def segments(events: list[Event], segmentations: tuple[Segmentation, ...] = SEGMENTATIONS) -> set[Segment]:
    return {
        tuple((name, event[name]) for name in names)
        for names in segmentations
        for event in events
        if all(name in event for name in names)
    }


def days(events: list[Event], zone: str) -> list[date]:
    """Every local day from the first to the last on which something happened."""
    first, last = (oracle.day(pick(event["time"] for event in events), zone) for pick in (min, max))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def spans(events: list[Event], random: Random, zone: str) -> Iterator[tuple[int, int]]:
    """Stretches whose slices are still kept: runs of days, of hours, and near the end of minutes and of 10 s."""
    calendar, last = Calendar(zone), max(event["time"] for event in events)
    midnights = [calendar.midnight_ms(day) for day in days(events, zone)]
    midnights.append(calendar.day_end_ms(midnights[-1]))
    for _ in range(4):
        yield pair(random, midnights)
    for grain, back in ((HOUR, 100), (MINUTE, 5 * 60), (10 * SECOND, 350)):
        edges = [calendar.slice_end_ms(grain, calendar.slice_start_ms(grain, last))]
        while len(edges) < min(back, (last - START) // grain + 2):
            edges.append(calendar.slice_start_ms(grain, edges[-1] - 1))
        yield pair(random, edges)


def pair(random: Random, edges: list[int]) -> tuple[int, int]:
    start, end = sorted(random.sample(edges, 2))
    return start, end


def assert_equals_the_list(
    driver: Driver,
    events: list[Event],
    seed: int,
    zone: str = "UTC",
    so_far: oracle.Reached | None = None,
    stretches: int | None = None,
) -> None:
    random = Random(seed)
    for start, end in islice(spans(events, random, zone), stretches):
        for segment in segments(events, driver.config.segmentations):
            found = {name: (v.value, v.samples) for name, v in driver.values(start, end, segment).items()}
            so_far = so_far or reached(driver, events)
            truth = oracle.expected(events, start, end, segment, so_far, zone, promises.BRISK)
            exact = {name: found.get(name) for name in truth}
            assert exact == {name: (float(value), samples) for name, (value, samples) in truth.items()}
            assert_quantiles(found, oracle.durations(events, start, end, segment))
            assert_reasons(driver, events, start, end, segment)
            by_day = {"active_customers", *Stickiness.values, *Lifecycle.values, *STOCKS}
            assert {name for name in found if not QUANTILE.search(name)} - by_day == truth.keys()


def assert_reasons(driver: Driver, events: list[Event], start: int, end: int, segment: Segment) -> None:
    found = driver.values(start, end, segment).get("reasons_given_ratio")
    assert ((found and found.distribution) or {}) == oracle.reasons(events, start, end, segment)


def assert_quantiles(found: dict[str, tuple[float, int]], durations: list[int]) -> None:
    for percent in (50, 90, 99):
        name = f"resolution_p{percent}_seconds"
        assert (name in found) == bool(durations)
        if durations:
            exact = oracle.quantile(durations, Fraction(percent, 100)) / 1000
            value, samples = found[name]
            assert value == pytest.approx(exact, rel=0.01 + 1e-9)
            assert samples == len(durations)


def assert_active_equals_the_set(
    driver: Driver, events: list[Event], seed: int, zone: str, told: list[Event] | None = None
) -> None:
    """``told`` are the events in the segments of then, where those of now are others."""
    random, calendar, known = Random(seed), Calendar(zone), days(events, zone)
    for _ in range(6):
        first, last = sorted(random.choices(known, k=2))
        start, end = calendar.midnight_ms(first), calendar.midnight_ms(last + timedelta(days=1))
        for segment in segments(events, driver.config.segmentations):
            assert_stocks(driver, told or events, start, end, segment)
            seen = oracle.active(events, first, last, zone, segment)
            today = oracle.active(events, last, last, zone, segment)
            found = driver.values(start, end, segment)
            assert (found["active_customers"].samples if "active_customers" in found else 0) == len(seen)
            if seen and first != last:
                assert found["stickiness_ratio"].value == len(today) / len(seen)
            length = (last - first).days + 1
            earlier = oracle.active(events, first - timedelta(days=length), first - timedelta(days=1), zone, segment)
            assert (found["retained_customers"].value if seen else 0) == len(seen & earlier)
            if earlier:
                assert found["retention_ratio"] == Value(len(seen & earlier) / len(earlier), len(earlier))
                assert found["dormant_customers"].value == len(earlier - seen)


def assert_stocks(driver: Driver, events: list[Event], start: int, end: int, segment: Segment) -> None:
    found = {name: (v.value, v.samples) for name, v in driver.values(start, end, segment).items() if name in STOCKS}
    truth = oracle.stocks(events, start, end, segment)
    assert found == {name: (float(value), samples) for name, (value, samples) in truth.items()}


def assert_cohorts_equal_the_set(driver: Driver, events: list[Event], zone: str) -> None:
    calendar, known = Calendar(zone), days(events, zone)
    firsts = {first for each in known for first in (each - timedelta(days=each.weekday()), each.replace(day=1))}
    for segment in segments(events, driver.config.segmentations):
        found = {}
        for first in firsts:
            start = calendar.midnight_ms(first)
            for name, number in driver.counters(start, calendar.day_end_ms(start), segment).items():
                if name.startswith("cohort."):
                    _, unit, age = name.split(".")
                    found[unit, first, int(age)] = number
        assert found == oracle.cohorts(events, zone, segment)


def assert_backlog_equals_the_list(driver: Driver, events: list[Event], seed: int, zone: str) -> None:
    random, calendar, known = Random(seed), Calendar(zone), days(events, zone)
    for segment in segments(events):
        counted = {}
        for day in known:
            start = calendar.midnight_ms(day)
            counted[day.toordinal()] = driver.counters(start, calendar.day_end_ms(start), segment)
        for day in random.sample(known, min(4, len(known))):
            found = backlog(counted, day.toordinal())
            assert found.ages == promises.backlog(events, day, lambda event: oracle.belongs(event, segment), zone)  # noqa: B023
            assert found.untold == 0


def assert_today_so_far_equals_the_set(
    driver: Driver, events: list[Event], seed: int, zone: str, told: list[Event] | None = None
) -> None:
    """Of the last day, customers count from their first moment on."""
    random, calendar, known = Random(seed), Calendar(zone), days(events, zone)
    start, midnight = calendar.midnight_ms(random.choice(known)), calendar.midnight_ms(known[-1])
    hours = (calendar.day_end_ms(midnight) - midnight) // HOUR
    for end in (midnight + hour * HOUR for hour in random.sample(range(1, hours + 1), 3)):
        past = [event for event in events if start <= event["time"] < end and oracle.by_customer(event)]
        for segment in segments(events, driver.config.segmentations):
            seen = {event["customer"] for event in past if oracle.belongs(event, segment)}
            found = driver.values(start, end, segment)
            assert (found["active_customers"].samples if "active_customers" in found else 0) == len(seen)
            assert_stocks(driver, told or events, start, end, segment)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "Asia/Kathmandu", "Australia/Lord_Howe"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_large_story_equals_the_list(seed: int, zone: str) -> None:
    events = Teller(seed, days=25).story(customers=40, acts=5)
    driver = run(events, sizes(seed), partitions=3, zone=zone)
    assert driver.rejected == []
    assert_equals_the_list(driver, events, seed, zone)
    assert_active_equals_the_set(driver, events, seed, zone)
    assert_cohorts_equal_the_set(driver, events, zone)
    assert_backlog_equals_the_list(driver, events, seed, zone)
    assert_today_so_far_equals_the_set(driver, events, seed, zone)


@settings(laws, max_examples=40)
@given(seed=seeds, zone=st.sampled_from(["UTC", "Europe/Oslo", "Asia/Kathmandu"]), customers=st.integers(1, 4))
def test_any_small_story_equals_the_list(seed: int, zone: str, customers: int) -> None:
    events = Teller(seed, days=seed % 4 + 1).story(customers, acts=2)
    assume(events)
    driver = run(events, zone=zone)
    assert driver.rejected == []
    assert_equals_the_list(driver, events, seed, zone)
    assert_active_equals_the_set(driver, events, seed, zone)
    assert_cohorts_equal_the_set(driver, events, zone)
    assert_backlog_equals_the_list(driver, events, seed, zone)
    assert_today_so_far_equals_the_set(driver, events, seed, zone)


@laws
@given(seed=seeds)
def test_any_batches_give_the_same_counts(seed: int) -> None:
    events = Teller(seed).story(customers=6, acts=3)
    whole, parts, single = run(events), run(events, sizes(seed)), run(events, iter([1] * len(events)))
    for other in (parts, single):
        assert [decoded(store) for store in cells(other)] == [decoded(store) for store in cells(whole)]
        assert readings(other, events, seed) == readings(whole, events, seed)


@pytest.mark.parametrize("seed", [0, 93])
def test_any_batches_give_the_same_bytes(seed: int) -> None:
    events = Teller(seed).story(customers=6, acts=3)
    whole = cells(run(events))
    assert cells(run(events, sizes(seed))) == whole
    assert cells(run(events, iter([1] * len(events)))) == whole


def decoded(store: Store) -> dict[bytes, object]:
    """What is stored, but for the byte and the version before what is not of version 1."""
    plain = ((key, value[2:] if value.startswith(b"\xc1") else value) for key, value in store.items())
    return {key: msgpack.decode(value) if value else value for key, value in plain}


def readings(driver: Driver, events: list[Event], seed: int) -> list[object]:
    """What many stretches of many segments read."""
    places = [(span, segment) for span in spans(events, Random(seed), "UTC") for segment in sorted(segments(events))]
    return [driver.values(*span, segment) for span, segment in places]


@laws
@given(seed=seeds)
def test_three_partitions_read_like_one(seed: int) -> None:
    events = Teller(seed).story(customers=8, acts=3)
    one, three = run(events, sizes(seed)), run(events, sizes(seed), partitions=3)
    for driver in (one, three):
        driver.go_on(NOW + 100 * DAY)  # by then all timers have run out that the windows can see
    assert readings(three, events, seed) == readings(one, events, seed)
    assert three.segments() == one.segments() == segments(events)


@laws
@given(seed=seeds)
def test_what_is_told_of_journeys_is_what_happened(seed: int) -> None:
    """Whatever came late: what was told and not so is told again as retracted."""
    events = Teller(seed, days=25).story(customers=6, acts=4)
    driver = run(events, sizes(seed))
    known: dict[str, JourneyStep] = {}
    for step in (step for folded in driver.folded for step in folded.journeys):
        if step.retracted:
            del known[step.id]
        else:
            known[step.id] = step
    last = max(event["time"] for event in events)
    truth = travels.all_turns(events, oracle.by_customer, lambda _: last)
    moves = {(s.customer, s.time_ms, s.from_stage or "none", s.stage, s.after_ms) for s in known.values() if s.stage}
    assert moves == {(t.of["customer"], t.time, *t.what[1:]) for t in truth if t.what[0] == "moved"}
    handoffs = {(s.customer, s.time_ms, s.from_channel, s.channel) for s in known.values() if s.from_channel}
    assert handoffs == {(t.of["customer"], t.time, *t.what[1:3]) for t in truth if t.what[0] == "handoff"}


@laws
@given(seed=seeds)
def test_repeats_change_nothing(seed: int) -> None:
    events = Teller(seed).story(customers=5, acts=3)
    random = Random(seed)
    told = list(events)
    for event in random.sample(events, len(events) // 2):
        told.insert(random.randint(told.index(event) + 1, len(told)), event)
    driver = run(told, sizes(seed))
    assert readings(driver, events, seed) == readings(run(events), events, seed)
    assert sum(folded.duplicates for folded in driver.folded) == len(told) - len(events)
    assert sum(folded.events.total() for folded in driver.folded) == len(events)


def interleaved(events: list[Event], random: Random) -> list[Event]:
    """Customers in another order among each other, each one's own events in their order."""
    queues: dict[str, list[Event]] = {}
    for event in events:
        queues.setdefault(event["customer"], []).append(event)
    order = [event["customer"] for event in events]
    random.shuffle(order)
    heads = {customer: iter(queue) for customer, queue in queues.items()}
    return [next(heads[customer]) for customer in order]


@laws
@given(seed=seeds)
def test_customers_may_be_read_in_any_order(seed: int) -> None:
    """Over days and hours, whose slices are kept for longer than the story is; finer ones may be gone by then."""
    events, random = Teller(seed).story(customers=6, acts=3), Random(seed)
    other = run(interleaved(events, random), sizes(seed))
    assert other.rejected == []
    for start, end in list(spans(events, random, "UTC"))[:5]:
        for segment in segments(events):
            found = {name: (v.value, v.samples) for name, v in other.values(start, end, segment).items()}
            truth = oracle.expected(events, start, end, segment, service=promises.BRISK)
            assert {name: found.get(name) for name in truth} == {name: (float(v), n) for name, (v, n) in truth.items()}
    assert_active_equals_the_set(other, events, seed, "UTC")


def drive(events: list[Event], seed: int, crash: Callable[[Driver, Random], None] | None) -> Driver:
    """Feed and advance by chance, the same for the same seed; now and then a partition's readers are killed."""
    driver, random, chance, at = Driver(config(), partitions=2), Random(seed), Random(seed + 1), 0
    while at < len(events):
        size = random.choice((1, 5, 30))
        driver.feed([record(event) for event in events[at : at + size]], NOW)
        at += size
        if random.random() < 0.2:
            driver.advance(NOW)
        if crash is not None and chance.random() < 0.3:
            crash(driver, chance)
    driver.advance(NOW)
    return driver


@settings(laws, max_examples=25)
@given(seed=seeds, lose=st.booleans(), again=st.one_of(st.none(), st.integers(0, 40)))
def test_a_crash_and_reading_again_change_nothing(seed: int, lose: bool, again: int | None) -> None:
    events = Teller(seed).story(customers=6, acts=3)

    def crash(driver: Driver, chance: Random) -> None:
        driver.crash(chance.randrange(2), NOW, again, lose=lose, batch=chance.choice((None, 1, 7)))

    driver, undisturbed = drive(events, seed, crash), drive(events, seed, None)
    assert readings(driver, events, seed) == readings(undisturbed, events, seed)
    assert [decoded(store) for store in cells(driver)] == [decoded(store) for store in cells(undisturbed)]
    assert published(undisturbed).items() <= published(driver).items()


def published(driver: Driver) -> dict[str, object]:
    """What has a value on the topic ``metrics``, compacted."""
    return {
        f"{metric.segment} {metric.window} {metric.metric}": (metric.value, metric.samples)
        for metric in driver.metrics()
        if metric.value is not None
    }


@pytest.mark.parametrize(
    "crashes",
    [False, True],
)
def test_a_metric_that_loses_its_data_is_published_as_none(crashes: bool) -> None:
    driver = Driver(config())
    answer = {**visit(1, START), "type": "survey.answered", "survey": "s", "kind": "csat", "score": 9}
    driver.feed([record(answer)], NOW)
    driver.advance(NOW)
    assert driver.value("csat_score", "30d", channel="web") is not None
    if crashes:
        driver.crash(0, NOW)
    driver.feed([record({**answer, "id": "v2", "time": START + 1, "channel": "phone"})], NOW)
    driver.advance(NOW)
    assert driver.value("csat_score", "30d", channel="phone") is not None
    assert driver.value("csat_score", "30d", channel="web") is None


# What is refused


def visit(number: int, time: int, customer: str = "ann", **fields: object) -> Event:
    event = {
        "type": "visit.page",
        "id": f"v{number}",
        "time": time,
        "customer": customer,
        "channel": "web",
        "page": "/",
    }
    return event | fields


def test_what_is_rejected_does_not_move_the_watermark() -> None:
    driver = Driver(config())
    good = visit(1, START)
    future = visit(2, NOW + driver.config.future_ms + 1)
    off_scale = {**visit(3, START + DAY), "type": "survey.answered", "survey": "s", "kind": "nps", "score": 11}
    driver.feed([record(good), record(future), record(off_scale), (b"ann", None), (b"ann", b"{")], NOW)
    reasons = [rejected.reason for rejected in driver.rejected]
    assert reasons == [Reason.FUTURE, Reason.OFF_SCALE, Reason.TOMBSTONE, Reason.MALFORMED_JSON]
    assert [rejected.offset for rejected in driver.rejected] == [1, 2, 3, 4]
    assert driver.folded[-1].watermark_ms == START
    assert driver.folded[-1].events == {"visit.page": 1}


def test_an_event_as_far_ahead_as_it_may_be_is_counted() -> None:
    driver = Driver(config())
    driver.feed([record(visit(1, NOW + driver.config.future_ms))], NOW)
    assert driver.rejected == []


def test_a_late_event_within_retention_is_counted_and_one_beyond_it_is_rejected() -> None:
    driver, last = Driver(config()), START + 10 * DAY
    kept = driver.config.retention_ms[DAY]
    driver.feed([record(visit(1, last)), record(visit(2, last - kept)), record(visit(3, last - kept - 1))], NOW)
    assert [(rejected.reason, rejected.offset) for rejected in driver.rejected] == [(Reason.LATE, 2)]
    assert driver.folded[0].late == 1
    day = driver.config.calendar.day_start_ms(last - kept)
    assert driver.values(day, day + DAY)["touchpoints"].samples == 1


def test_an_event_before_1990_is_too_old() -> None:
    driver = Driver(config())
    driver.feed([record(visit(1, 631_151_999_999)), record(visit(2, -5)), record(visit(3, 631_152_000_000))], NOW)
    assert [rejected.reason for rejected in driver.rejected] == [Reason.TOO_OLD, Reason.TOO_OLD]


@pytest.mark.parametrize("back", [30 * MINUTE, 3 * HOUR, 5 * DAY, 700 * DAY])
def test_a_late_event_is_counted_in_every_slice_that_is_still_kept(back: int) -> None:
    driver, last = Driver(config()), START + 12 * HOUR + 5
    driver.feed([record(visit(1, last))], NOW)
    driver.feed([record(visit(2, last - back, "bob"))], NOW)
    time = last - back
    for grain, kept in ((10 * SECOND, HOUR), (MINUTE, 6 * HOUR), (HOUR, 8 * DAY), (DAY, 800 * DAY)):
        start = time - time % grain
        assert ("touchpoints" in driver.values(start, start + grain)) == (back < kept)


@pytest.mark.parametrize(
    ("grain", "kept"), [(10 * SECOND, HOUR), (MINUTE, 6 * HOUR), (HOUR, 8 * DAY), (DAY, 800 * DAY)]
)
def test_a_slice_is_kept_until_its_end_is_as_old_as_its_retention(grain: int, kept: int) -> None:
    last = START + DAY
    for at, is_kept in ((last - kept, True), (last - kept - 1, False)):
        driver = Driver(config())
        driver.feed([record(visit(1, last))], NOW)
        driver.feed([record(visit(2, at))], NOW)
        start = at - at % grain
        assert ("touchpoints" in driver.values(start, start + grain)) == is_kept


@laws
@given(seed=seeds)
def test_the_watermark_is_the_latest_time_so_far(seed: int) -> None:
    events = Teller(seed).story(customers=3, acts=3)
    driver = run(events, iter([1] * len(events)))
    latest = list(accumulate((event["time"] for event in events), max))
    assert [folded.watermark_ms for folded in driver.folded] == latest


def test_an_event_that_makes_the_fold_raise_is_rejected_and_the_others_are_counted() -> None:
    """A mapping can be no dimension, as its values cannot be told apart; nothing else is known to raise."""
    driver = Driver(Config(segmentations=((), ("labels",))))
    poison = visit(2, START + 1, labels={"a": "b"})
    driver.feed([record(visit(1, START)), record(poison), record(visit(3, START + 2, "bob"))], NOW)
    driver.advance(NOW)
    assert [(rejected.reason, rejected.offset) for rejected in driver.rejected] == [(Reason.FOLD_ERROR, 1)]
    assert "TypeError" in driver.rejected[0].detail
    assert driver.values(START, START + DAY)["touchpoints"].samples == 2
    assert driver.values(START, START + DAY)["active_customers"].samples == 2


def test_a_rejected_record_keeps_its_origin_and_its_text() -> None:
    driver = Driver(config())
    driver.feed([(b"\xffkey", b"\xff" * 7)], NOW)
    (rejected,) = driver.rejected
    assert (rejected.topic, rejected.partition, rejected.offset) == ("touchpoints", 0, 0)
    assert (rejected.size, rejected.value, rejected.key) == (7, "\\xff" * 7, "\\xffkey")


def test_a_batch_with_nothing_but_rejected_records_still_moves_the_offset() -> None:
    driver = Driver(config())
    driver.feed([(b"a", b"no")], NOW)
    driver.crash(0, NOW)
    assert driver.folded[-1].skipped == 1


def test_the_ids_remembered_of_a_customer_are_bounded() -> None:
    events = [visit(number, START + number) for number in range(200)]
    driver = run([*events, events[-1], events[0]])
    assert driver.folded[0].duplicates == 1
    assert orjson.loads(orjson.dumps(driver.folded[0].events)) == {"visit.page": 201}
