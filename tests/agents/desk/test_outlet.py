"""What goes wrong in an outlet stays there: it is counted, and the outlet goes on."""

import asyncio
from contextlib import suppress

import aiohttp

from agents.desk.instruments import DeskInstruments
from agents.outbox import Outbox
from agents.outletfile import OutletSettings
from agents.outlets.outlet import Outlet
from agents.settings import Settings
from agents.stalls import Stalls
from schemas.told import Position
from stream.desk.handling import OpenAlerts, Policy
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
