"""``python -m tests.bench.takeover``: a worker is killed; how long until its partitions produce again.

Two workers with their state in memory; one ends by ``kill -9``. Without a standby the other reads back half of the
state, with one only what it has not followed yet. Both wait for the session of the killed worker to end.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agents.brokers import open_broker
from agents.simulator import Record
from tests.bench.recovery import NOW_MS, say
from tests.e2e.traffic import send
from tests.e2e.workers import Deployment, deployment

SESSION_S = 6


def events(customers: int, of: str) -> Iterator[Record]:
    """One touchpoint of each customer."""
    for number in range(customers):
        customer = f"customer-{number}"
        event = {"type": "visit.page", "id": f"{of}-{number}", "time": NOW_MS + number, "customer": customer}
        text = json.dumps(event | {"page": "/", "channel": "web", "region": "eu"})
        yield Record(customer.encode(), text.encode(), NOW_MS + number)


def produce_again(running: Deployment, began: float) -> float:
    """Seconds since ``began`` until the worker that is left has all partitions and gets on with them."""
    running.wait(lambda: running.lag() is not None and running.workers[0].is_ready(), "all partitions are owned", 120)
    running.wait(lambda: running.lag() == 0, "they produce", 120)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.takeover", description=__doc__)
    parser.add_argument("--customers", type=int, default=400_000)
    given = parser.parse_args()
    with open_broker("kafka") as broker:
        for standbys in (0, 1):
            with (
                tempfile.TemporaryDirectory() as folder,
                deployment(
                    broker.bootstrap, Path(folder), 2, standby_replicas=standbys, session_seconds=SESSION_S
                ) as running,
            ):
                running.wait_until_read(send(running, events(given.customers, "first")), 300)
                victim = running.workers.pop(0)
                before = running.total("cx_changelog_restored_records_total")
                victim.stop(signal.SIGKILL)
                began = time.monotonic()
                send(running, events(1_000, "later"))
                seconds = produce_again(running, began)
                restored = running.total("cx_changelog_restored_records_total") - before
                figures = {"session_seconds": SESSION_S, "seconds": round(seconds, 1), "restored": int(restored)}
                say("takeover", standbys=standbys, customers=given.customers, **figures)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
