"""How far event time has come: the slowest partition that moves, or the clock where none does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.progress import Progress

IDLE = 2_000
Moves = list[tuple[int, int, int]]
"""Partition, watermark, and how much later by the clock."""


def test_nothing_is_known_at_first() -> None:
    progress = Progress(IDLE)
    assert progress.advance(10**12) == progress.as_of_ms == progress.latest_ms == 0


def test_one_partition_is_followed() -> None:
    progress = Progress(IDLE)
    progress.move(0, 500, 0)
    assert progress.advance(0) == 500
    progress.move(0, 900, 10)
    assert progress.advance(10) == 900


#   partition 0   ----500------------900
#   partition 1   --------300-----------     event time is 300: what comes between may still be on its way
def test_the_slowest_partition_that_moves_holds_the_rest_back() -> None:
    progress = Progress(IDLE)
    progress.move(0, 500, 0)
    progress.move(1, 300, 0)
    assert progress.advance(0) == 300
    progress.move(0, 900, 1_000)
    assert progress.advance(1_000) == 300


def test_an_idle_partition_does_not_hold_the_rest_back() -> None:
    progress = Progress(IDLE)
    progress.move(1, 300, 0)
    progress.move(0, 900, 1_000)
    assert progress.advance(IDLE) == 300
    assert progress.advance(IDLE + 1) == 900


def test_a_watermark_that_does_not_grow_is_no_move() -> None:
    progress = Progress(IDLE)
    progress.move(1, 300, 0)
    progress.move(0, 900, 1_000)
    progress.move(1, 300, 1_900)
    progress.move(1, 200, 1_900)
    assert progress.advance(IDLE + 1) == 900


def test_an_idle_partition_that_comes_back_does_not_turn_time_back() -> None:
    progress = Progress(IDLE)
    progress.move(1, 300, 0)
    progress.move(0, 900, 1_000)
    progress.advance(IDLE + 1)
    progress.move(1, 400, IDLE + 2)
    assert progress.advance(IDLE + 2) == 900
    progress.move(0, 1_500, IDLE + 2)
    progress.move(1, 1_200, IDLE + 2)
    assert progress.advance(IDLE + 3) == 1_200


#   clock        0 ······ 1000 ······ 3000 ······ 4500
#   event time           (last move)  |idle begins  |+1500
def test_when_all_are_idle_event_time_goes_on_with_the_clock() -> None:
    progress = Progress(IDLE)
    progress.move(0, 50_000, 0)
    progress.move(1, 60_000, 1_000)
    assert progress.advance(1_000 + IDLE) == 60_000
    assert progress.advance(1_000 + IDLE + 1_500) == 61_500


def test_a_new_partition_with_an_older_watermark_does_not_turn_time_back() -> None:
    progress = Progress(IDLE)
    progress.move(0, 900, 0)
    progress.advance(0)
    progress.move(1, 100, 0)
    assert progress.advance(0) == 900


def test_a_clock_that_goes_back_changes_nothing() -> None:
    progress = Progress(IDLE)
    progress.move(0, 900, 10_000)
    progress.advance(20_000)
    reached = progress.as_of_ms
    assert progress.advance(5_000) == reached


@settings(deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**6), st.integers(0, 3_000)), min_size=1))
def test_event_time_never_goes_back_and_is_never_ahead_of_all_partitions_while_one_moves(moves: Moves) -> None:
    progress, clock_ms, reached = Progress(IDLE), 0, 0
    for partition, watermark_ms, later_ms in moves:
        clock_ms += later_ms
        progress.move(partition, watermark_ms, clock_ms)
        now_ms = progress.advance(clock_ms)
        assert now_ms >= reached
        assert now_ms == progress.as_of_ms
        reached = now_ms
    assert progress.latest_ms == max(watermark_ms for _, watermark_ms, _ in moves)


@pytest.mark.parametrize("idle_ms", [0, 1, 60_000])
def test_how_long_is_idle_can_be_chosen(idle_ms: int) -> None:
    progress = Progress(idle_ms)
    progress.move(0, 100, 0)
    assert progress.advance(idle_ms) == 100
    assert progress.advance(idle_ms + 7) == 107
