"""The client of subscribers: each alert once, from where it stopped; and the example of its documentation."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from agents.brokers import Broker
from agents.client import alerts, handling
from agents.clock import now_ms
from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement
from tests.alerts import metric
from tests.e2e.desks import Office, office

DOCUMENT = Path(__file__).parents[2] / "docs" / "alerts.md"


async def take(at: Office, number: int, group: str = "crm", **how: Any) -> list[str]:
    """The ids of so many alerts; the last of them is done with only where it is asked on for a while."""
    found: list[str] = []
    async with aclosing(alerts(at.settings.bootstrap, group, prefix=at.settings.prefix, **how)) as source:
        while len(found) < number:
            found.append((await asyncio.wait_for(anext(source), 30)).id)
    return found


async def rest(at: Office, seconds: float, group: str = "crm", **how: Any) -> list[str]:
    """All that comes within so many seconds after the first."""
    found: list[str] = []

    async def read() -> None:
        async with aclosing(alerts(at.settings.bootstrap, group, prefix=at.settings.prefix, **how)) as source:
            async for alert in source:
                found.append(alert.id)  # noqa: PERF401  # it is cut short, and what there is by then counts

    reading = asyncio.create_task(read())
    for _ in range(300):
        await asyncio.sleep(0.1)
        if found:
            break
    await asyncio.sleep(seconds)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return found


def ids(several: Sequence[AnyAlert]) -> list[str]:
    return [alert.id for alert in several]


def test_repeats_and_what_is_overtaken_are_left_out(any_broker: Broker, tmp_path: Path) -> None:
    first, resolved, second = metric("A"), metric("A", "resolved"), metric("A", sequence=2)
    with office(any_broker.bootstrap, tmp_path) as at:
        at.alert(first, first, resolved, first, resolved, second, metric("B"))
        assert asyncio.run(rest(at, 2)) == ids([first, resolved, second, metric("B")])


def test_it_goes_on_where_it_stopped_with_what_was_in_hand(any_broker: Broker, tmp_path: Path) -> None:
    with office(any_broker.bootstrap, tmp_path) as at:
        at.alert(metric("A"), metric("B"), metric("C"))
        assert asyncio.run(take(at, 2)) == ["A-1-firing", "B-1-firing"]
        assert asyncio.run(take(at, 2)) == ["B-1-firing", "C-1-firing"]
        at.alert(metric("D"))
        assert asyncio.run(rest(at, 3)) == ["C-1-firing", "D-1-firing"]


def test_what_a_worker_repeats_is_no_news_to_a_service_that_was_started_again(embedded: Broker, tmp_path: Path) -> None:
    """A worker that starts sends the last transition of every alert again."""
    last = metric("A", "resolved"), metric("B")
    with office(embedded.bootstrap, tmp_path) as at:
        at.alert(metric("A"), *last)
        assert asyncio.run(rest(at, 2)) == ids([metric("A"), *last])
        at.alert(*last, metric("A"), *last, metric("C"))
        assert asyncio.run(take(at, 1)) == ["C-1-firing"]


def test_who_takes_over_knows_what_the_one_before_was_told(kafka: Broker, tmp_path: Path) -> None:
    with office(kafka.bootstrap, tmp_path) as at:
        at.alert(metric("A"), metric("B"))

        async def scenario() -> tuple[list[str], list[str]]:
            first: list[str] = []
            second: list[str] = []
            begun = asyncio.Event()

            async def read(found: list[str]) -> None:
                async with aclosing(alerts(at.settings.bootstrap, "crm", prefix=at.settings.prefix)) as source:
                    async for alert in source:
                        found.append(alert.id)
                        begun.set()

            one = asyncio.create_task(read(first))
            await asyncio.wait_for(begun.wait(), 30)
            while len(first) < 2:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.5)  # its place is committed within a second
            other = asyncio.create_task(read(second))
            one.cancel()
            await asyncio.gather(one, return_exceptions=True)
            await asyncio.to_thread(at.alert, metric("A"), metric("B"), metric("C"))
            for _ in range(600):
                await asyncio.sleep(0.05)
                if second:
                    break
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            return first, second

        assert asyncio.run(scenario()) == (["A-1-firing", "B-1-firing"], ["C-1-firing"])


def test_what_is_open_comes_first_also_where_retention_deleted_what_was_before(kafka: Broker, tmp_path: Path) -> None:
    with office(kafka.bootstrap, tmp_path) as at:
        at.alert(metric("Old"), metric("Old", "resolved"), metric("A"), metric("B"))
        client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        client.delete_records({TopicPartition(at.settings.topic("alerts"), 0): 2}, timeout_ms=15_000)
        client.close()
        assert asyncio.run(take(at, 2, open_first=True)) == ["A-1-firing", "B-1-firing"]


def test_only_what_fits_is_yielded_and_resolutions_whatever_their_severity(embedded: Broker, tmp_path: Path) -> None:
    eu = {"region": "eu"}
    with office(embedded.bootstrap, tmp_path) as at:
        at.alert(
            metric("A", labels=eu),
            metric("B", labels=eu, severity="critical"),
            metric("B", labels={"region": "us"}, severity="critical"),
            metric("B", "resolved", labels=eu),
            metric("Last", labels=eu, severity="critical"),
        )
        found = asyncio.run(take(at, 3, severities=["critical"], matchers=["region=~e."]))
        assert found == ["B/region=eu-1-firing", "B/region=eu-1-resolved", "Last/region=eu-1-firing"]


def test_what_is_open_comes_first_where_it_is_asked_for(any_broker: Broker, tmp_path: Path) -> None:
    with office(any_broker.bootstrap, tmp_path) as at:
        at.alert(metric("A"), metric("B"), metric("A", "resolved"), metric("C"))

        async def scenario() -> list[str]:
            first = await take(at, 2, open_first=True)
            at.alert(metric("B", "resolved"), metric("D"))
            return first + await take(at, 4, open_first=True)

        assert asyncio.run(scenario()) == [
            *("B-1-firing", "C-1-firing"),
            *("B-1-firing", "C-1-firing", "B-1-resolved", "D-1-firing"),
        ]


def test_what_is_done_about_alerts_can_be_followed(embedded: Broker, tmp_path: Path) -> None:
    record = Acknowledgement(by="ann", fingerprint="A", sequence=1, at_ms=now_ms())
    with office(embedded.bootstrap, tmp_path) as at:
        at.handle(record)

        async def first() -> object:
            async with aclosing(handling(at.settings.bootstrap, "crm", prefix=at.settings.prefix)) as source:
                return await asyncio.wait_for(anext(source), 30)

        assert asyncio.run(first()) == record


def test_the_example_of_the_documentation_runs(embedded: Broker, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    file = tmp_path / "example.py"
    with office(embedded.bootstrap, tmp_path) as at:
        own = example.replace('group="crm"', f'group="{at.settings.id}", prefix="{at.settings.prefix}"')
        file.write_text(own.replace("127.0.0.1:9092", embedded.bootstrap))
        at.alert(metric("A", labels={"region": "eu"}), metric("A", labels={"region": "us"}))
        process = subprocess.Popen([sys.executable, "-u", str(file)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "firing warning A {'region': 'eu'}\n"
        finally:
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.parametrize("junk", [b"no JSON", b"{}"])
def test_what_is_no_alert_is_passed_over(embedded: Broker, tmp_path: Path, junk: bytes) -> None:
    with office(embedded.bootstrap, tmp_path) as at:
        producer = KafkaProducer(bootstrap_servers=embedded.bootstrap, acks="all")
        producer.send(at.settings.topic("alerts"), key=b"x", value=junk)
        producer.close()
        at.alert(metric("A"))
        assert asyncio.run(take(at, 1)) == ["A-1-firing"]
