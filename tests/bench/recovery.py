"""``python -m tests.bench.recovery``: how fast a state is read back, beside stock Faust's, on one Apache Kafka.

The changelog is written by our own code: customers with one touchpoint each. Stock Faust recovers a table with
keys and values of the same size, fewer of them, as its pace is the same for any number. Measured is the time from going
to the changelog to the state being complete, not the start of Python.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

from prometheus_client import Counter

from agents import topics
from agents.brokers import open_broker
from agents.changelog import Changelog
from agents.fetch import fetch
from agents.outbox import Outbox
from agents.restorer import Restorer
from agents.settings import Settings
from agents.stalls import Stalls
from agents.stores import MemoryStore, PartitionStore, RocksStore
from stream.config import Config
from stream.driver import Line
from stream.fold import Fold

PARTITIONS = 4
_BATCH = 5_000
NOW_MS = 1_774_000_000_000


def say(measure: str, **figures: object) -> None:
    """One measure, one line."""
    sys.stdout.write(json.dumps({"measure": measure, **figures}) + "\n")
    sys.stdout.flush()


def changes(partition: int, customers: int) -> Iterator[dict[bytes, bytes | None]]:
    """State batches as the fold makes them of customers' events."""
    fold = Fold(Config(), "touchpoints", partition, lambda _: None)
    for first in range(0, customers, _BATCH):
        numbers = range(first, min(first + _BATCH, customers))
        lines = [Line(number, b"", _event(f"customer-{partition}-{number}", number)) for number in numbers]
        yield fold.process(lines, NOW_MS).changes
        fold.settle()


def _event(customer: str, number: int) -> bytes:
    event = {"type": "visit.page", "id": f"e{number}", "time": NOW_MS + number, "customer": customer, "page": "/"}
    return json.dumps(event | {"channel": "web", "region": "eu"}).encode()


def _changelog(settings: Settings, store: PartitionStore, outbox: Outbox) -> Changelog:
    read = partial(fetch, settings.cluster)
    return Changelog(settings.changelog("customers"), store, outbox, read, outbox.stalls)


async def write(settings: Settings, customers: int) -> int:
    """The changelog of so many customers; how many bytes their records have on average."""
    stalls, keys, size = Stalls(), 0, 0
    outbox = Outbox(settings.cluster, stalls)
    await outbox.start()
    log = _changelog(settings, MemoryStore(), outbox)
    for partition in range(PARTITIONS):
        await log.claim(partition)
        for batch in changes(partition, customers // PARTITIONS):
            await log.append(partition, batch)
            await log.keep(partition)
            of_customers = [(key, value) for key, value in batch.items() if key.startswith(b"c")]
            keys += len(of_customers)
            size += sum(len(key) + len(value or b"") for key, value in of_customers)
    await outbox.stop()
    return size // keys


async def restore(settings: Settings, store: PartitionStore, customers: int) -> float:
    """Seconds until a store is complete."""
    log = _changelog(settings, store, Outbox(settings.cluster, Stalls()))
    restorer = Restorer(settings.cluster, log, Counter("restored", "", registry=None), lambda: True)
    began = perf_counter()
    await restorer.catch_up(range(PARTITIONS))
    seconds = perf_counter() - began
    found = sum(len(list(store.keys(partition, [b"c"]))) for partition in range(PARTITIONS))
    assert found == customers // PARTITIONS * PARTITIONS, found
    return seconds


def stock(bootstrap: str, keys: int, size: int, folder: Path) -> float:
    """Seconds in which stock Faust recovers a table of so many keys: first it writes them, then it starts anew."""
    environment = {
        **os.environ,
        "STOCK_BOOTSTRAP": bootstrap,
        "STOCK_ID": f"stock-{secrets.token_hex(3)}",
        "STOCK_KEYS": str(keys),
        "STOCK_SIZE": str(size),
        "STOCK_FOLDER": str(folder),
    }
    found = 0.0
    for deed in ("write", "recover"):
        command = [sys.executable, "-m", "tests.bench.stock", deed]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=900)
        if not done.stdout.strip():
            raise RuntimeError(done.stderr)
        found = float(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.recovery", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--stock-keys", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with open_broker("kafka") as broker, tempfile.TemporaryDirectory() as folder:
        settings = Settings(bootstrap=broker.bootstrap, id=f"bench-{secrets.token_hex(3)}", partitions=PARTITIONS)
        topics.ensure(settings)
        size = asyncio.run(write(settings, given.customers))
        seconds = stock(broker.bootstrap, given.stock_keys, size, Path(folder))
        faust = given.stock_keys / seconds
        say("stock", keys=given.stock_keys, bytes=size, seconds=round(seconds, 2), keys_per_second=round(faust))
        for run in range(given.runs):
            stores = {"memory": MemoryStore(), "rocksdb": RocksStore(Path(folder) / f"rocks-{run}")}
            for name, store in stores.items():
                seconds = asyncio.run(restore(settings, store, given.customers))
                store.close()
                pace = given.customers / seconds
                figures = {
                    "seconds": round(seconds, 2),
                    "keys_per_second": round(pace),
                    "ratio": round(pace / faust, 1),
                }
                say(name, keys=given.customers, **figures)


if __name__ == "__main__":
    main()
