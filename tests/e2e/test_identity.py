"""Ids are joined over the partitions of real brokers, whatever kills the workers meanwhile."""

import json
import time
from collections import Counter, namedtuple
from collections.abc import Iterator, Mapping

import pytest
from typer.testing import CliRunner

from agents.brokers import Broker
from agents.cli import app
from agents.placing import partition_of
from agents.simulator import Record
from stream.config import Config
from stream.counters import Counters
from stream.driver import Driver
from stream.slices import DAY_MS
from tests.e2e.traffic import BY_CLOCK, send, totals
from tests.e2e.workers import Deployment, Worker, deployment
from tests.laws.oracle import Event
from tests.laws.stories import START, record
from tests.laws.test_identity import PARTITIONS, Persons

DAYS = range(-14, 90)


Joined = namedtuple("Joined", "running persons events")


@pytest.fixture(scope="module")
def joined(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    """What two workers have made of a story, after four that were killed in the middle of it."""
    persons = Persons(11, customers=40, acts=2)
    events = [*persons.told, *persons.end(lambda customer: partition_of(customer, PARTITIONS))]
    half = len(events) // 2
    with deployment(kafka.bootstrap, tmp_path_factory.mktemp("joined"), 0, partitions=PARTITIONS) as running:
        send(running, records(events[:half]))
        for number, point in enumerate(("after-output", "after-state", "after-output", "after-store")):
            worker = Worker(running, number, environment={"CXSTREAM_FAULTS": f"kill:{point}:0.3:{number}"})
            assert worker.process.wait(60) == -9, worker.log.read_text()[-2000:]
            if number == 1:
                send(running, records(events[half:]))
        running.start(2)
        yield Joined(running, persons, events)


def records(events: list[Event]) -> list[Record]:
    return [Record(*record(event), event["time"]) for event in events]


def expected(events: list[Event]) -> dict[int, Counters]:
    """What the total counts by day where every customer has one id from the beginning."""
    driver = Driver(Config())
    driver.feed([record(event) for event in events], START + 100 * DAY_MS)
    starts = [START + day * DAY_MS for day in DAYS]
    return {start: sound(driver.counters(start, start + DAY_MS)) for start in starts}


def sound(counters: Mapping[str, int]) -> Counters:
    """Without what was taken back, and what comes of time passing."""
    return {name: n for name, n in counters.items() if n and not name.startswith(BY_CLOCK)}


def counted(running: Deployment) -> dict[int, Counters]:
    cells = totals(running)
    return {START + day * DAY_MS: sound(cells.get(((), DAY_MS, START + day * DAY_MS), {})) for day in DAYS}


def test_joined_ids_count_as_one_customer_whatever_is_killed(joined: Joined) -> None:
    truth, end = expected(joined.persons.as_one(joined.events)), time.monotonic() + 60
    while counted(joined.running) != truth and time.monotonic() < end:
        time.sleep(1)
    assert counted(joined.running) == truth
    assert sum(counters.get("touchpoints", 0) for counters in truth.values()) == len(joined.events)


def test_the_journey_of_any_of_the_ids_is_that_of_the_customer(joined: Joined) -> None:
    as_one = joined.persons.as_one(joined.events)
    someone, _ = Counter(event["customer"] for event in as_one).most_common(1)[0]
    theirs = [(event, one) for event, one in zip(joined.events, as_one, strict=True) if one["customer"] == someone]
    ids = {event["customer"] for event, _ in theirs}
    assert len(ids) > 2
    for name in ids:
        found = run(CliRunner(), joined.running, name)
        assert found["ids"] == sorted(ids)
        told = sorted((leg["time"], leg["event"]) for leg in found["touchpoints"] if leg["event"] is not None)
        assert told == sorted((event["time"], event["id"]) for event, _ in theirs)


def run(runner: CliRunner, running: Deployment, customer: str) -> dict:
    result = runner.invoke(app, ["journey", customer, "--settings", str(running.file), "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
