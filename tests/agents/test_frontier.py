"""Batches from beyond what has been read are refused, so that nothing is left out."""

import asyncio

import pytest
from faust.types import TP

from agents.frontier import AheadError, Frontier
from agents.instruments import Instruments

PLACE = TP("touchpoints", 3)
END = 10_000


class Topic:
    """A partition of which only what is from ``earliest`` on is left, and where its reader is sent to."""

    def __init__(self, earliest: int = 0) -> None:
        self.earliest = earliest
        self.sought: list[tuple[TP, int]] = []
        self.health = Instruments()
        self.frontier = Frontier(self.seek, self.ask, self.health.lost)

    async def seek(self, tp: TP, offset: int) -> None:
        self.sought.append((tp, offset))

    async def ask(self, tp: TP) -> int:
        assert tp == PLACE
        return self.earliest

    def open(self, offset: int) -> int:
        return self.frontier.open(PLACE, offset, (self.earliest, END))

    def takes(self, *batches: tuple[int, int]) -> list[bool]:
        async def run() -> list[bool]:
            return [await self.frontier.takes(PLACE, *batch) for batch in batches]

        return asyncio.run(run())

    @property
    def lost(self) -> float:
        labels = {"topic": PLACE.topic, "partition": str(PLACE.partition)}
        return self.health.registry.get_sample_value("cx_records_lost_total", labels) or 0.0


def taken(*batches: tuple[int, int], at: int = 1_029) -> tuple[list[bool], list[tuple[TP, int]]]:
    """Which batches are taken when the state goes on at ``at``, and where reading is sent to."""
    topic = Topic()
    topic.open(at)
    return topic.takes(*batches), topic.sought


def test_what_was_fetched_before_the_seek_is_refused_and_asked_for_again() -> None:
    assert taken((1_220, 1_222), (1_223, 1_225), (1_029, 1_225)) == ([False, False, True], [(PLACE, 1_029)] * 2)


def test_batches_that_go_on_or_repeat_are_taken() -> None:
    assert taken((1_000, 1_040), (1_041, 1_050), (1_020, 1_030), (1_051, 1_051)) == ([True] * 4, [])


def test_a_gap_in_the_topic_is_passed_once_it_has_shown_itself_twice() -> None:
    assert taken((1_100, 1_110), (1_100, 1_120), (1_121, 1_130)) == ([False, True, True], [(PLACE, 1_029)])


def test_an_older_batch_does_not_take_the_frontier_back() -> None:
    assert taken((1_029, 1_100), (1_029, 1_040), (1_101, 1_102), (1_150, 1_160))[0] == [True, True, True, False]


def test_a_partition_that_comes_back_begins_anew() -> None:
    topic = Topic()
    topic.open(10)
    first = topic.takes((50, 60))
    topic.open(10)
    assert [*first, *topic.takes((50, 60))] == [False, False]


def test_a_gap_that_compaction_has_left_is_no_loss() -> None:
    topic = Topic()
    topic.open(1_029)
    assert topic.takes((1_100, 1_110), (1_100, 1_110)) == [False, True]
    assert topic.lost == 0


def test_what_was_deleted_before_a_state_goes_on_is_counted_and_passed_over() -> None:
    topic = Topic(earliest=1_500)
    assert topic.open(1_029) == 1_500
    assert topic.lost == 471
    assert topic.takes((1_500, 1_510)) == [True]
    assert (topic.lost, topic.sought) == (471, [])


def test_what_is_deleted_while_it_is_being_read_is_counted() -> None:
    topic = Topic()
    topic.open(1_029)
    topic.earliest = 1_060
    assert topic.takes((1_060, 1_070), (1_060, 1_070)) == [False, True]
    assert topic.lost == 31


def test_a_state_that_includes_nothing_yet_has_lost_nothing() -> None:
    topic = Topic(earliest=1_500)
    assert topic.open(0) == 1_500
    assert topic.takes((1_500, 1_510)) == [True]
    assert topic.lost == 0


def test_a_state_ahead_of_its_topic_is_an_error() -> None:
    topic = Topic()
    assert topic.open(END) == END
    with pytest.raises(AheadError, match="touchpoints-3 ends at offset 10000, but the state includes all before 10001"):
        topic.open(END + 1)
