"""What goes wrong in an outlet stays there: it is counted, and the outlet goes on."""

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from agents.desk.instruments import DeskInstruments
from agents.outbox import Outbox
from agents.outletfile import OutletSettings
from agents.outlets.alertmanager import MOST_ALERTS
from agents.outlets.outlet import Outlet
from agents.settings import Settings
from agents.stalls import Stalls
from schemas.told import Position
from stream.desk.grouping import Notice, Route
from stream.desk.handling import OpenAlerts, Policy
from stream.slices import HOUR_MS
from tests.agents.desk.receiver import receiver
from tests.alerts import T0_MS, metric


def outlet(given: OutletSettings, health: DeskInstruments, bootstrap: str = "127.0.0.1:1") -> Outlet:
    alerts, position = OpenAlerts(Policy()), Position(outlet=given.name, offsets={0: 0})
    settings = Settings(bootstrap=bootstrap)
    return Outlet(settings, given, alerts, (), position, Outbox(settings.cluster, Stalls()), health)


def sample(health: DeskInstruments, name: str) -> float:
    return health.registry.get_sample_value(name, {"outlet": "crm"}) or 0.0


def test_what_no_request_can_be_made_of_is_given_up_counted_and_the_next_is_told() -> None:
    """The secret was taken out of the environment after the start."""
    health = DeskInstruments()

    async def both(url: str) -> list[str]:
        odd = outlet(OutletSettings("crm", url=url, secret_variable="CXSTREAM_NO_SUCH_SECRET"), health)
        sound = outlet(OutletSettings("crm", url=url), health)
        async with aiohttp.ClientSession() as session:
            found: list[str] = []
            for each in (odd, sound):
                each._dispatch.hear((0, 0), metric("A"), T0_MS)
                notice = each._dispatch.next(T0_MS)
                assert notice is not None
                found.append(await each._deliver(session, notice))
            return found

    with receiver() as hook:
        assert asyncio.run(both(hook.url)) == ["hopeless", "sent"]
        assert len(hook.received) == 1
    names = ("cx_outlet_faults_total", "cx_outlet_dropped_total", "cx_outlet_sent_total")
    assert [sample(health, name) for name in names] == [1, 1, 1]


def told(given: OutletSettings, several: int, health: DeskInstruments) -> tuple[str, Notice]:
    """So many alerts of which one is `bad` are told as a group: how that went, and the notice."""

    async def tell() -> tuple[str, Notice]:
        each = outlet(given, health)
        for offset in range(several):
            each._dispatch.hear((0, offset), metric("Low", labels={"n": "bad" if offset == 9 else str(offset)}), T0_MS)
        notice = each._dispatch.next(T0_MS + HOUR_MS)
        assert notice is not None
        async with aiohttp.ClientSession() as session:
            return await each._deliver(session, notice), notice

    return asyncio.run(tell())


def test_alertmanager_is_told_in_parts_of_a_bounded_size_and_only_what_it_cannot_take_is_lost() -> None:
    health, route = DeskInstruments(), Route(group_by=(), repeat_ms=60_000)
    with receiver() as hook:
        hook.bad = b'"n":"bad"'
        kind, _ = told(OutletSettings("crm", "alertmanager", url=hook.url, route=route), 700, health)
        taken = [each["labels"]["n"] for post in hook.received if hook.bad not in post.body for each in post.json]
        sizes = [len(post.json) for post in hook.received]
    assert kind == "sent"
    assert taken == [str(number) for number in range(700) if number != 9], "each once, and in order"
    assert max(sizes) <= MOST_ALERTS
    names = ("cx_outlet_dropped_total", "cx_outlet_sent_total", "cx_outlet_faults_total")
    assert [sample(health, name) for name in names] == [1, 1, 0]


@pytest.mark.parametrize("refuses", [{"bad": b'"n":"bad"'}, {"most_bytes": 3_000}])
def test_a_group_that_a_webhook_cannot_take_as_a_whole_is_told_in_parts(refuses: dict[str, Any]) -> None:
    health = DeskInstruments()
    with receiver() as hook:
        vars(hook).update(refuses)
        kind, notice = told(OutletSettings("crm", url=hook.url, route=Route(group_by=())), 40, health)
        posts = [each for each in hook.received if hook.bad == b"" or hook.bad not in each.body]
        posts = [each for each in posts if len(each.body) <= hook.most_bytes]
        ids = [alert["id"] for post in posts for alert in post.json["data"]["alerts"]]
        first = [post.headers["webhook-id"] for post in posts]
        hook.received.clear()
        told(OutletSettings("crm", url=hook.url, route=Route(group_by=())), 40, health)
        again = [post.headers["webhook-id"] for post in hook.received]
    lost = [alert.id for alert in notice.alerts if alert.id not in ids]
    assert (kind, lost) == ("sent", ["Low/n=bad-1-firing"] if hook.bad else [])
    assert len(ids) == len(set(ids)), "each once"
    assert len(first) == len(set(first)), "each part has its own id"
    assert set(first) <= set(again), "which is the same again"


def test_a_part_that_is_refused_for_now_has_the_whole_told_again() -> None:
    health = DeskInstruments()
    with receiver() as hook:
        hook.refused, hook.most_bytes = b'"n":"30"', 10_000
        kind, _ = told(OutletSettings("crm", url=hook.url, route=Route(group_by=())), 40, health)
    assert kind == "again"
    assert [sample(health, f"cx_outlet_{name}_total") for name in ("sent", "dropped")] == [0, 0]


def test_an_outlet_that_fails_altogether_is_tried_again_and_ends_nothing() -> None:
    """Its brokers' address is none, which is no fault of the brokers."""
    health = DeskInstruments()

    async def run() -> bool:
        task = asyncio.create_task(outlet(OutletSettings("crm", url="http://x"), health, "127.0.0.1:no").run())
        while sample(health, "cx_outlet_faults_total") < 2 and not task.done():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
        goes_on = not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return goes_on

    assert asyncio.run(run())
