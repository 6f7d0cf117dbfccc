"""A lane that is closed lets go of whoever waits for it."""

import asyncio
from collections.abc import Sequence

from agents.changelog import FencedError
from agents.stalls import Stalls
from agents.touchpoints import Lane
from stream.config import Config
from stream.driver import Line
from stream.fold import Fold
from stream.record import Record


def test_closing_a_full_lane_frees_who_waits_to_put_a_batch() -> None:
    async def never(lane: Lane, records: Sequence[Record], generation: int) -> None:
        await asyncio.Event().wait()

    async def crashed(error: BaseException) -> None:
        raise error

    async def run() -> None:
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), never, Stalls())
        lane.open(crashed)
        for _ in range(3):
            await lane.put([], 1)
            await asyncio.sleep(0)
        waiting = asyncio.create_task(lane.put([], 1))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await lane.close()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(run())


def test_an_error_in_a_lane_is_told() -> None:
    async def fails(lane: Lane, records: Sequence[Record], generation: int) -> None:
        raise ValueError("no")

    told: list[BaseException] = []

    async def crashed(error: BaseException) -> None:
        told.append(error)

    async def run() -> None:
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), fails, Stalls())
        lane.open(crashed)
        await lane.put([], 1)
        await asyncio.sleep(0.01)
        await lane.close()

    asyncio.run(run())
    assert [str(error) for error in told] == ["no"]


def fenced(closed_after_s: float) -> list[str]:
    """What a lane whose partition is another worker's complains of, when it is closed some time later."""

    async def fails(lane: Lane, records: Sequence[Record], generation: int) -> None:
        raise FencedError("another worker has written")

    told: list[str] = []

    async def crashed(error: BaseException) -> None:
        told.append(str(error))

    async def run() -> None:
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), fails, Stalls(), patience_s=0.05)
        lane.open(crashed)
        await lane.put([], 1)
        await asyncio.sleep(closed_after_s)
        await lane.close()

    asyncio.run(run())
    return told


def test_a_lane_that_has_lost_its_partition_waits_to_be_closed() -> None:
    assert fenced(closed_after_s=0.01) == []


def test_a_lane_that_lost_its_partition_and_is_not_told_so_is_an_error() -> None:
    assert fenced(closed_after_s=0.2) == ["another worker has written"]


def test_where_there_is_nothing_to_read_time_passes_in_a_lane() -> None:
    committed: list[tuple[Sequence[Record], int]] = []

    async def commit(lane: Lane, records: Sequence[Record], generation: int) -> None:
        committed.append((records, generation))

    async def crashed(error: BaseException) -> None:
        raise error

    async def run() -> None:
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), commit, Stalls())
        await lane.put([Line(0, None, None)], 7)
        lane.go_on()  # something is waiting
        lane.open(crashed)
        await asyncio.sleep(0.01)
        lane.go_on()
        await asyncio.sleep(0.01)
        await lane.close()

    asyncio.run(run())
    assert committed == [([Line(0, None, None)], 7), ((), 7)]
