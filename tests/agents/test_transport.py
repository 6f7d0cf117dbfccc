"""Who waits for metadata is told so where nobody is at it any more."""

import asyncio

from agents.transport import bounded


def test_an_update_that_comes_is_told() -> None:
    async def run() -> bool:
        coming: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        told = bounded(lambda: coming, 5)()
        coming.set_result(True)
        return await told

    assert asyncio.run(run()) is True


def test_an_update_that_never_comes_is_not_waited_for() -> None:
    async def run() -> bool:
        never: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        return await bounded(lambda: never, 0.01)()

    assert asyncio.run(run()) is False


def test_an_update_that_fails_is_none() -> None:
    async def run() -> list[bool]:
        failed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        cancelled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = [bounded(lambda: failed, 5)(), bounded(lambda: cancelled, 5)()]
        failed.set_exception(OSError("gone"))
        cancelled.cancel()
        return [await told for told in waiting]

    assert asyncio.run(run()) == [False, False]
