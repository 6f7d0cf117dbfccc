"""A lane that is closed lets go of whoever waits for it."""

import asyncio
from collections.abc import Sequence

from agents.touchpoints import Lane
from stream.config import Config
from stream.fold import Fold
from stream.record import Record


def test_closing_a_full_lane_frees_who_waits_to_put_a_batch() -> None:
    async def never(lane: Lane, records: Sequence[Record], generation: int) -> None:
        await asyncio.Event().wait()

    async def crashed(error: BaseException) -> None:
        raise error

    async def run() -> None:
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), never)
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
        lane = Lane(Fold(Config(), "touchpoints", 0, lambda _: None), fails)
        lane.open(crashed)
        await lane.put([], 1)
        await asyncio.sleep(0.01)
        await lane.close()

    asyncio.run(run())
    assert [str(error) for error in told] == ["no"]
