"""Stock Faust: an app with one table, which writes it, or recovers it and says how many seconds that took.

Run by ``tests.bench.recovery``, which says in STOCK_… what to do.
"""

import asyncio
import os
import sys
from time import perf_counter
from typing import Any

import faust
from aiokafka import AIOKafkaProducer

PARTITIONS = 4
KEYS, SIZE = int(os.environ["STOCK_KEYS"]), int(os.environ["STOCK_SIZE"])
app = faust.App(
    os.environ["STOCK_ID"],
    broker=f"kafka://{os.environ['STOCK_BOOTSTRAP']}",
    datadir=os.environ["STOCK_FOLDER"],
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    web_enabled=False,
    key_serializer="raw",
    value_serializer="raw",
    stream_recovery_delay=0.0,
)
table = app.Table("customers", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
source = app.topic("stock-source", partitions=PARTITIONS, key_type=bytes, value_type=bytes)


@app.agent(source)
async def nothing(stream: Any) -> None:
    async for _ in stream:
        pass


async def write() -> None:
    """The table's changelog, in big batches: only reading it back is measured."""
    await app.topic(table.changelog_topic.get_topic_name()).maybe_declare()
    async with AIOKafkaProducer(
        bootstrap_servers=os.environ["STOCK_BOOTSTRAP"], linger_ms=20, max_batch_size=1_000_000
    ) as producer:
        for number in range(KEYS):
            key = b"customer-%d" % number
            value = b"v" * max(1, SIZE - len(key))
            await producer.send(table.changelog_topic.get_topic_name(), value, key=key, partition=number % PARTITIONS)


class Watch:
    """From the first record that is read back to the last: what goes before, Faust's own waiting, is left out."""

    began = 0.0


def main() -> None:
    if sys.argv[1] == "write":
        asyncio.run(write())
        sys.stdout.write("0\n")
        return
    read, apply = table.on_changelog_event, table.apply_changelog_batch

    async def begins(event: Any) -> None:
        Watch.began = Watch.began or perf_counter()
        await read(event)

    def ends(batch: Any) -> None:
        apply(batch)
        if len(table) >= KEYS:
            os.write(1, f"\n{perf_counter() - Watch.began}\n".encode())  # Faust has taken sys.stdout
            os._exit(0)

    table.on_changelog_event = begins  # type: ignore[method-assign]
    table.apply_changelog_batch = ends  # type: ignore[method-assign]
    app.finalize()
    faust.Worker(app, loglevel="ERROR", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
