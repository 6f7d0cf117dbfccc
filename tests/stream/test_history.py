"""Stocks: what windows are told of all the days before them, whatever was counted, corrected and forgotten."""

from random import Random

import pytest

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters, difference, merged
from stream.history import History
from stream.metrics import STOCKS
from stream.slices import DAY_MS as DAY
from stream.slices import HOUR_MS, MINUTE_MS, TEN_SECONDS_MS, Calendar

SEGMENTS: tuple[Segment, ...] = ((), (("channel", "web"),))
ZONES = ("UTC", "Europe/Oslo", "Australia/Lord_Howe")


def drawn(random: Random) -> Counters:
    names = (*STOCKS, "touchpoints", "ces:1:7:3")
    return {name: number for name in names if (number := random.choice((0, 0, 1, 5, -1)))}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(6))
def test_a_stock_is_the_sum_of_the_days_before_that_are_kept(seed: int, zone: str) -> None:
    random, calendar = Random(seed), Calendar(zone)
    first = calendar.day_start_ms(1_773_187_200_000)
    midnights = [calendar.shift_days_ms(first, day) for day in range(40)]
    history = History(Config(calendar=calendar))
    known: dict[tuple[Segment, int], Counters] = {}
    for _ in range(300):
        segment, start_ms = random.choice(SEGMENTS), random.choice(midnights[:-1])
        if random.random() < 0.2:
            history.drop(segment, DAY, start_ms)
            known.pop((segment, start_ms), None)
        else:
            new = drawn(random)
            history.add(segment, DAY, start_ms, difference(known.get((segment, start_ms), {}), new))
            known[segment, start_ms] = new
            history.add(segment, HOUR_MS, start_ms, drawn(random))
        since_ms, until_ms = sorted(random.sample(midnights, 2))
        for each in SEGMENTS:
            before = merged(counters for (of, at_ms), counters in known.items() if of == each and at_ms < since_ms)
            reading = history.read(each, since_ms, until_ms, by_day=True)
            assert reading.stock == {name: number for name, number in before.items() if name in STOCKS}


def test_a_stretch_that_is_not_made_of_days_has_no_stock() -> None:
    history = History(Config())
    history.add((), DAY, 0, {STOCKS[0]: 1})
    assert history.read((), DAY, 2 * DAY).stock is None
    assert history.read((), DAY, 2 * DAY, by_day=True).stock == {STOCKS[0]: 1}
    assert history.read((("channel", "web"),), DAY, 2 * DAY, by_day=True).stock == {}


def test_finer_slices_are_part_of_a_day_already() -> None:
    history = History(Config())
    for resolution_ms in (TEN_SECONDS_MS, MINUTE_MS, HOUR_MS, DAY):
        history.add((), resolution_ms, 0, {STOCKS[0]: 3})
    assert history.read((), DAY, 2 * DAY, by_day=True).stock == {STOCKS[0]: 3}


def test_a_segment_that_was_forgotten_begins_anew() -> None:
    history = History(Config())
    history.add((), DAY, 0, {STOCKS[0]: 3})
    assert history.drop((), DAY, 0)
    history.add((), DAY, 5 * DAY, {STOCKS[0]: 1})
    assert history.read((), 9 * DAY, 10 * DAY, by_day=True).stock == {STOCKS[0]: 1}
