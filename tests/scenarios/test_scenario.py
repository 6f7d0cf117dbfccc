"""200,000 touchpoints over 120 days through the whole pipeline: every value equals SQL over the raw log.

Three partitions, seven segmentations, batches of any size, repeats, late touchpoints, crashes that lose the last batch.
What is compared are spans of every kind in segments of every kind; each registered value must be among it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import get_args

import orjson
import pytest

from schemas.rejected import Reason
from schemas.union import AnyTouchpoint
from stream.config import Config
from stream.driver import Driver
from stream.metrics import UNITS, Value
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, RESOLUTIONS, TEN_SECONDS_MS, Calendar
from tests.scenarios.arrival import story
from tests.scenarios.population import START, Event
from tests.scenarios.truth import Days, Oracle, Promise, Segment, Truth

SEGMENTATIONS = ((), ("channel",), ("segment",), ("region",), ("product",), ("touchpoint",), ("channel", "region"))
KEPT_MS = {TEN_SECONDS_MS: HOUR_MS, MINUTE_MS: 6 * HOUR_MS, HOUR_MS: 8 * DAY_MS, DAY_MS: 800 * DAY_MS}
"""For how long slices are kept after their end, by the watermark."""
QUANTILE = re.compile("_p[0-9]+_seconds$")
DAYS_ALONE = dict.fromkeys(RESOLUTIONS[:-1], -DAY_MS) | {DAY_MS: 800 * DAY_MS}
STAGES = {
    "five": ("awareness", "consideration", "purchase", "retention", "advocacy"),
    "four": ("awareness", "engagement", "conversion", "retention", "retention"),
}
HOURS = (*((weekday, 540, 1020) for weekday in range(1, 6)), (6, 600, 720), (6, 780, 840), (7, 0, 360))
"""Business hours: on Sundays while the clocks change."""
HOLIDAYS = (date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1))
WEEK = tuple(tuple((opens, closes) for day, opens, closes in HOURS if day == weekday) for weekday in range(1, 8))
PARTITIONS = 3
PAIRS = 60
STEPS_IN_ORDER = 24
"""Of a customer's journey, so many steps may still be put in order."""
Span = tuple[int, int, Days | None]


@dataclass
class Scenario:
    """A story that was told to the driver, and what SQL makes of its log."""

    driver: Driver
    oracle: Oracle
    end: int
    compared: set[str]


def closing(driver: Driver, end: int) -> list[Event]:
    """A touchpoint at the very end in each partition: by it all that is due has happened."""
    found: dict[int, Event] = {}
    number = 0
    while len(found) < PARTITIONS:
        name = f"closing-{number}"
        load = {"type": "visit.load", "page": "/", "load_ms": 1}
        found[driver.source_of(name.encode())] = {"id": name, "time": end, "customer": name, "channel": "web", **load}
        number += 1
    return list(found.values())


def feed(driver: Driver, events: list[Event], now_ms: int) -> None:
    driver.feed([(event["customer"].encode(), orjson.dumps(event)) for event in events], now_ms)


def tell(driver: Driver, events: list[Event], now_ms: int, random: Random) -> None:
    """Feed the driver in batches of any size; on the way a partition crashes, which loses its last batch."""
    crash, at = random.randint(0, len(events)), 0
    while at < len(events):
        size = random.choice((1, 300, 2_000, 5_000))
        feed(driver, events[at : at + size], now_ms)
        if at <= crash < at + size:
            driver.crash(random.randrange(PARTITIONS), now_ms, again=3_000, lose=True, batch=700)
        at += size


def restart(driver: Driver, config: Config, now_ms: int) -> None:
    """All workers begin again with other settings, from what is stored."""
    driver.advance(now_ms)
    driver.config = config
    for partition in range(PARTITIONS):
        driver.crash(partition, now_ms, again=0)


def told(tmp_path: Path, seed: int, touchpoints: int, config: Config, fine_ms: int) -> Scenario:
    """The story of a seed, and its truth. Fine slices are made from ``fine_ms`` on.

    Those of the months before are gone by the end: not to make them at all saves most of the time.
    """
    events, end = story(seed, touchpoints)
    driver, random = Driver(replace(config, retention_ms=DAYS_ALONE), (), PARTITIONS), Random(seed)
    events += closing(driver, end)
    fine = next(at for at, event in enumerate(events) if event["time"] >= fine_ms)
    for part in (events[:fine], events[fine:]):
        tell(driver, part, end, random)
        restart(driver, config, end)
    log = tmp_path / "log.ndjson"
    log.write_bytes(b"\n".join(orjson.dumps({"n": n, "value": event}) for n, event in enumerate(events)))
    promise = Promise(config.calendar.zone, STAGES[config.stages], HOURS, HOLIDAYS)
    return Scenario(driver, Oracle(log, end, promise), end, set())


def days(calendar: Calendar, first: date, number: int) -> Span:
    """Whole local days, which are compared with as many days before them."""
    last = first + timedelta(days=number - 1)
    span = Days(first, last, first - timedelta(days=number))
    return calendar.midnight_ms(first), calendar.midnight_ms(last + timedelta(days=1)), span


def spans(random: Random, scenario: Scenario) -> Iterator[Span]:
    """One span after the other, of every kind: all there is, of fine slices where they are kept, and of whole days."""
    calendar = scenario.driver.config.calendar
    first, last = calendar.date(START), calendar.date(scenario.end)
    length = (last - first).days + 1
    yield days(calendar, first, length)
    while True:
        yield from (fine(random, scenario, resolution_ms) for resolution_ms in RESOLUTIONS[:-1])
        day = first + timedelta(days=random.randrange(length))
        yield days(calendar, day, 1)
        yield days(calendar, day - timedelta(days=day.weekday()), 7)
        month = day.replace(day=1)
        yield days(calendar, month, ((month + timedelta(days=31)).replace(day=1) - month).days)
        number = random.randint(2, 70)
        yield days(calendar, last - timedelta(days=random.randint(number, length) - 1), number)


def fine(random: Random, scenario: Scenario, resolution_ms: int) -> Span:
    """A run of slices that are still kept, which does not begin at a midnight: that would be read by day."""
    config, end = scenario.driver.config, scenario.end
    earliest = max(START, end - config.retention_ms[resolution_ms])
    while True:
        edges = sorted(
            config.calendar.slice_end_ms(resolution_ms, config.calendar.slice_start_ms(resolution_ms, time))
            for time in (random.randint(earliest, end), random.randint(earliest, end))
        )
        if edges[0] < edges[1] and config.calendar.day_start_ms(edges[0]) != edges[0]:
            return edges[0], edges[1], None


def differences(scenario: Scenario, span: Span, segment: Segment) -> Iterator[str]:
    """Values of a span and segment that are not what SQL says."""
    start, end, whole = span
    found = scenario.driver.values(start, end, segment)
    truth = scenario.oracle.values(start, end, segment, whole)
    marks = scenario.oracle.distributions(start, end, segment)
    scenario.compared |= truth.keys()
    for name in UNITS:
        value, expected = found.get(name), truth.get(name)
        if not is_equal(name, value, expected):
            yield f"{name} in [{start}, {end}) {segment}: {value}, not {expected}"
        elif value is not None and (value.distribution or {}) != marks.get(name, {}):
            yield f"{name} in [{start}, {end}) {segment}: {value.distribution}, not {marks.get(name)}"


def is_equal(name: str, found: Value | None, truth: Truth | None) -> bool:
    """Exactly so, but for percentiles, which are within 1 %."""
    if found is None or truth is None:
        return found is None and truth is None
    rel = 0.01 + 1e-9 if QUANTILE.search(name) else 1e-12
    return found.samples == truth.samples and found.value == pytest.approx(float(truth.value), rel=rel, abs=0)


def compare(scenario: Scenario, seed: int, other_preset: str) -> None:
    """Many spans, each in some segment, are as SQL says; the first is all there is.

    Each registered value is among what was compared, but for stages of the ``other_preset``.
    """
    random, segments = Random(seed), {names: scenario.oracle.segments(names) for names in SEGMENTATIONS}
    wrong: list[str] = []
    for pair, span in zip(range(PAIRS), spans(random, scenario), strict=False):
        segment = random.choice(segments[random.choice(SEGMENTATIONS) if pair else ()])
        wrong += differences(scenario, span, segment)
    assert not wrong, "\n".join(wrong[:20])
    stages = {stage for stage in STAGES[other_preset] if stage not in STAGES[scenario.driver.config.stages]}
    assert {name for name in UNITS if name not in scenario.compared} == {
        name for name in UNITS if name.startswith("stage_") and name.split("_")[1] in stages
    }


def compare_paths(scenario: Scenario, segment: Segment) -> None:
    """The paths of all days are as SQL says."""
    calendar = scenario.driver.config.calendar
    start, end, _ = days(calendar, calendar.date(START), 121)
    counters = scenario.driver.counters(start, end, segment)
    found = {name.removeprefix("path."): n for name, n in counters.items() if name.startswith("path.") and n}
    assert found == scenario.oracle.paths(start, end, segment)
    assert found


def compare_cohorts(scenario: Scenario, segment: Segment) -> None:
    """The cohorts, on the first days of their weeks and months, are as SQL says; from before the first day on."""
    calendar = scenario.driver.config.calendar
    found = {}
    for number in range(-10, 121):
        day = calendar.date(START) + timedelta(days=number)
        start, end, _ = days(calendar, day, 1)
        for name, n in scenario.driver.counters(start, end, segment).items():
            if name.startswith("cohort.") and n:
                _, unit, age = name.split(".")
                found[unit, day, int(age)] = n
    assert found == scenario.oracle.cohorts(segment)
    assert found


@pytest.mark.timeout(600)
def test_months_of_touchpoints_equal_sql(tmp_path: Path) -> None:
    config = Config(
        segmentations=SEGMENTATIONS,
        windows=("month",),
        retention_ms=KEPT_MS,
        business_week=WEEK,
        holidays=frozenset(HOLIDAYS),
    )
    scenario = told(tmp_path, 1, 200_000, config, fine_ms=START + 110 * DAY_MS)
    assert {each.reason for each in scenario.driver.rejected} == {Reason.OFF_SCALE}
    assert scenario.oracle.count("select count(*) from events") >= 200_000
    types = {kind.__struct_config__.tag for kind in get_args(AnyTouchpoint)}
    assert scenario.oracle.count("select count(distinct type) from events") == len(types)
    assert scenario.oracle.count("select max(overtaken) from overtaken") <= STEPS_IN_ORDER
    compare(scenario, 7, other_preset="four")
    for segment in ((), (("channel", "web"),), (("channel", "email"), ("region", "eu"))):
        compare_paths(scenario, segment)
        compare_cohorts(scenario, segment)


def test_another_time_zone_and_fine_slices_of_months_equal_sql(tmp_path: Path) -> None:
    config = Config(
        segmentations=SEGMENTATIONS,
        windows=("month",),
        retention_ms=dict.fromkeys(RESOLUTIONS, 800 * DAY_MS),
        calendar=Calendar("Europe/Oslo"),
        stages="four",
        business_week=WEEK,
        holidays=frozenset(HOLIDAYS),
    )
    scenario = told(tmp_path, 2, 12_000, config, fine_ms=START)
    compare(scenario, 8, other_preset="five")
    compare_paths(scenario, ())
    compare_cohorts(scenario, ())
