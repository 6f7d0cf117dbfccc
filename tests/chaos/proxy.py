"""A TCP proxy between a worker and the broker, whose weather can be made bad."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

_CHUNK = 64 * 1024


@dataclass
class Weather:
    """``delay_s`` each chunk waits, ``loss`` the chance that it is the last, cut in half, of its connection.

    While not ``open``, nothing passes and no connection ends: for either side the other one is silent.
    """

    delay_s: float = 0.0
    loss: float = 0.0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def clear(self) -> None:
        """Good weather."""
        self.delay_s = self.loss = 0.0
        self.open.set()


class Proxy:
    """Listens on one port of the loopback interface and passes on to another."""

    def __init__(self, port: int, target: int, random: Random) -> None:
        self.port, self.target = port, target
        self.weather = Weather()
        self.weather.clear()
        self._random = random
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            onward, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = [asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(onward, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()
            back.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self.weather.open.wait()
                if self.weather.delay_s:
                    await asyncio.sleep(self.weather.delay_s * self._random.uniform(0.5, 1.5))
                if self._random.random() < self.weather.loss:
                    writer.write(chunk[: len(chunk) // 2])
                    await writer.drain()
                    return
                writer.write(chunk)
                await writer.drain()
