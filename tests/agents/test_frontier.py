"""Batches from beyond what has been read are refused, so that nothing is left out."""

import asyncio

from faust.types import TP

from agents.frontier import Frontier

PLACE = TP("touchpoints", 3)


def taken(*batches: tuple[int, int], at: int = 1_029) -> tuple[list[bool], list[tuple[TP, int]]]:
    """Which batches are taken when the state goes on at ``at``, and where reading is sent to."""
    sought = []

    async def seek(tp: TP, offset: int) -> None:
        sought.append((tp, offset))

    async def run() -> list[bool]:
        frontier = Frontier(seek)
        frontier.open(PLACE, at)
        return [await frontier.takes(PLACE, *batch) for batch in batches]

    return asyncio.run(run()), sought


def test_what_was_fetched_before_the_seek_is_refused_and_asked_for_again() -> None:
    assert taken((1_220, 1_222), (1_223, 1_225), (1_029, 1_225)) == ([False, False, True], [(PLACE, 1_029)] * 2)


def test_batches_that_go_on_or_repeat_are_taken() -> None:
    assert taken((1_000, 1_040), (1_041, 1_050), (1_020, 1_030), (1_051, 1_051)) == ([True] * 4, [])


def test_a_gap_in_the_topic_is_passed_once_it_has_shown_itself_twice() -> None:
    assert taken((1_100, 1_110), (1_100, 1_120), (1_121, 1_130)) == ([False, True, True], [(PLACE, 1_029)])


def test_an_older_batch_does_not_take_the_frontier_back() -> None:
    assert taken((1_029, 1_100), (1_029, 1_040), (1_101, 1_102), (1_150, 1_160))[0] == [True, True, True, False]


def test_a_partition_that_comes_back_begins_anew() -> None:
    async def seek(tp: TP, offset: int) -> None:
        del tp, offset

    async def run() -> list[bool]:
        frontier = Frontier(seek)
        frontier.open(PLACE, 10)
        first = await frontier.takes(PLACE, 50, 60)
        frontier.open(PLACE, 10)
        return [first, await frontier.takes(PLACE, 50, 60)]

    assert asyncio.run(run()) == [False, False]
