"""More than a worker can take, and what it cannot take at all: lag, not memory; rejected, not a restart."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import orjson
import pytest

from agents.brokers import Broker
from agents.simulator import Record
from schemas.rejected import Reason, Rejected
from tests.e2e.consume import consume
from tests.e2e.traffic import START_MS, population, send, totals
from tests.e2e.workers import Deployment, Worker

MEGABYTE = 1024 * 1024


@pytest.fixture
def ready(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Deployments whose workers are not started yet; these end with the test."""
    made: list[Deployment] = []

    def make(name: str, **settings: object) -> Deployment:
        (tmp_path / name).mkdir()
        made.append(Deployment(kafka.bootstrap, tmp_path / name, **settings))
        return made[-1]

    yield make
    for deployment in made:
        deployment.stop()


def backlog(events: int, customers: int = 1_000) -> Iterator[Record]:
    """Page visits of so many customers, 1 kB each."""
    for number in range(events):
        time_ms = START_MS + number * 20
        customer = f"c-{number % customers}"
        event = {"type": "visit.page", "id": str(number), "time": time_ms, "customer": customer, "channel": "web"}
        yield Record(customer.encode(), orjson.dumps({**event, "page": "/", "padding": "x" * 900}), time_ms)


def peak_memory(worker: Worker) -> int:
    """The most that it has held at once, in bytes."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_a_backlog_makes_lag_and_not_memory(ready: Callable[..., Deployment]) -> None:
    peaks = []
    for events in (20_000, 200_000):
        running = ready(f"of-{events}", hot_megabytes=8)
        send(running, backlog(events))
        running.workers.append(Worker(running, 0))
        running.wait(running.workers[0].is_ready, "the worker is ready")
        running.wait_until_read(events)
        assert running.total("cx_touchpoints_folded_total") == events
        peaks.append(peak_memory(running.workers[0]))
        running.stop()
    # The larger one is 200 MB of records.
    assert peaks[1] - peaks[0] < 100 * MEGABYTE, peaks


def test_state_that_does_not_fit_one_batch_is_written_in_several(ready: Callable[..., Deployment]) -> None:
    """Ten thousand records at once, each of a new customer with a ticket: 2 kB of state each, more than 16 MB."""
    events = 12_000

    def tickets() -> Iterator[Record]:
        for number in range(events):
            long = dict.fromkeys(("id", "customer", "ticket", "session"), f"{number:0>250}")
            event = {"type": "ticket.opened", "time": START_MS + number, "channel": "web", **long}
            more = {"team": "t" * 128, "region": "r" * 128, "product": "p" * 128, "segment": "s" * 128}
            yield Record(b"k", orjson.dumps(event | more), START_MS + number)

    running = ready("large", partitions=1)
    send(running, tickets())
    running.start()
    running.wait_until_read(events)
    assert running.total("cx_touchpoints_folded_total") == events
    assert sum(cell.get("touchpoints", 0) for (of, _, _), cell in totals(running).items() if not of) == 2 * events
    changelog = consume(running.settings.bootstrap, running.settings.changelog("customers"))
    assert sum(len(record.key) + len(record.value or b"") for record in changelog) > 16 * MEGABYTE


def poisoned(record: Record) -> Record:
    event = orjson.loads(record.value or b"")
    return Record(record.key, orjson.dumps({**event, "type": "visit.page", "page": "/poison"}), record.time_ms)


def test_an_event_that_makes_the_fold_raise_is_rejected(ready: Callable[..., Deployment]) -> None:
    records = population(seed=31)[:4_000]
    poison = [poisoned(record) for record in records[::1_000]]
    mixed = [record for at in range(4) for record in (poison[at], *records[1_000 * at : 1_000 * at + 1_000])]
    clean, queasy = ready("clean", partitions=2), ready("queasy", partitions=2)
    send(clean, records)
    clean.start()
    clean.wait_until_read(len(records))
    send(queasy, mixed)
    worker = Worker(queasy, 0, "tests.chaos.queasy")
    queasy.workers.append(worker)
    queasy.wait(worker.is_ready, "the worker is ready")
    queasy.wait_until_read(len(mixed))
    assert worker.process.poll() is None
    rejected = [
        msgspec.json.decode(record.value, type=Rejected)
        for record in consume(queasy.settings.bootstrap, queasy.settings.topic("rejected"))
    ]
    assert [(one.reason, one.detail) for one in rejected] == [(Reason.FOLD_ERROR, "ZeroDivisionError: a bug")] * 4
    assert {one.value for one in rejected} == {(one.value or b"").decode() for one in poison}
    assert totals(queasy) == totals(clean)
