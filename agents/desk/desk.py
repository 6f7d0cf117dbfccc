"""The desk: keeps what is open in view, escalates what nobody takes on, and tells outlets.

All that it knows, it reads from topics when it begins: it may be killed at any moment. What it sends has deterministic
ids or replaces what was there, so that two desks that work at once do no harm.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import DecodeError, json

from agents.alertmail import letter
from agents.clock import now_ms
from agents.desk.feed import Feed
from agents.desk.instruments import DeskInstruments
from agents.faults import fault_point
from agents.outbox import Outbox, Pair
from agents.outlets.outlet import Outlet
from agents.settings import Settings
from agents.stalls import Stalls
from schemas.alert import AnyAlert, decode_alert
from schemas.handling import decode_handling
from schemas.openalert import OpenAlert
from schemas.told import Position, Told, decode_told
from stream.desk.handling import OpenAlerts
from stream.slices import MINUTE_MS

log = structlog.get_logger(__name__)
_ROUND_MS = 200


class Desk:
    """One turn of doing the work: from when this desk is chosen until another one may be."""

    def __init__(self, settings: Settings, stalls: Stalls, health: DeskInstruments) -> None:
        self._settings = settings
        self._health = health
        self._outbox = Outbox(settings.cluster, stalls)
        self._topics = {settings.topic(name): name for name in ("alerts", "handling", "alerts-open", "alerts-told")}
        self._feed = Feed(settings.cluster, list(self._topics))
        self._alerts = OpenAlerts(settings.policy)
        self._published: dict[bytes, bytes] = {}
        self._own_offset = -1
        self._forgot_ms = 0
        self._seen: Mapping[str, OpenAlert] | None = None
        self._told: dict[str, Told] = {}
        self._positions: dict[str, Position] = {}
        self.is_ready = False

    async def run(self) -> None:
        """Read everything, then go on until cancelled.

        Raises:
            KafkaError: the brokers do not answer at the start, or a topic is not there.
        """
        await self._outbox.start()
        try:
            await self._feed.start()
            try:
                await self._work()
            finally:
                await self._feed.stop()
        finally:
            await self._outbox.stop()

    async def _work(self) -> None:
        while not await self._feed.at_end():
            self._take(await self._feed.read())
        log.info("desk.ready", open=len(self._alerts.view(now_ms())), outlets=len(self._settings.outlets))
        tasks = [asyncio.create_task(outlet.run()) for outlet in await self._outlets()]
        tasks.append(asyncio.create_task(self._rounds()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _outlets(self) -> list[Outlet]:
        """One that is new is told what is open, and all that comes from here on; not what was long ago."""
        alerts = self._settings.topic("alerts")
        ends = {at.partition: offset for at, offset in (await self._feed.positions()).items() if at.topic == alerts}
        names = [outlet.name for outlet in self._settings.outlets]
        new = {name: Position(outlet=name, offsets=ends) for name in names if name not in self._positions}
        pairs: list[Pair] = [(position.key.encode(), json.encode(position)) for position in new.values()]
        for key, each in self._told.items():  # an earlier release had one key for all firings of an alert
            if key != each.key:
                pairs += [(each.key.encode(), json.encode(each)), (key.encode(), None)]
        await self._outbox.append_parts(self._settings.topic("alerts-told"), 0, pairs)
        positions = self._positions | new
        told: dict[str, list[Told]] = {name: [] for name in names}
        for each in self._told.values():
            told.get(each.outlet, []).append(each)
        self._told.clear()
        return [
            Outlet(
                self._settings, each, self._alerts, told[each.name], positions[each.name], self._outbox, self._health
            )
            for each in self._settings.outlets
        ]

    async def _rounds(self) -> None:
        while True:
            await self._mend()
            await self._escalate()
            await self._publish()
            await self._forget()
            self.is_ready = True
            self._take(await self._feed.read(_ROUND_MS))

    def _take(self, records: Iterable[tuple[TopicPartition, Any]]) -> None:
        for place, record in records:
            name = self._topics[place.topic]
            try:
                self._take_one(name, place.partition, record)
            except DecodeError as error:
                self._health.foreign.labels(name).inc()
                log.warning("desk.foreign", topic=place.topic, offset=record.offset, error=str(error))

    def _take_one(self, name: str, partition: int, record: Any) -> None:
        key, value = record.key or b"", record.value
        if name == "alerts":
            if value is not None:
                alert = decode_alert(value)
                self._alerts.hear(alert, record.timestamp, (partition, record.offset))
                self._health.told(alert)
        elif name == "handling":
            if value is None:
                self._alerts.withdraw(key.decode(errors="replace"))
            else:
                handling = decode_handling(value)
                if handling.key.encode() != key:
                    raise DecodeError(f"its key is not {handling.key}, so that it could never be replaced")
                if self.is_ready and (taken_on := self._alerts.taken_on(handling)) is not None:
                    self._health.acknowledged(*taken_on)
                self._alerts.handle(handling)
        elif name == "alerts-open":
            if record.offset > self._own_offset:
                self._seen = None
                _put(self._published, key, value)
        elif not self.is_ready:
            self._take_told(key.decode(errors="replace"), value)

    def _take_told(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._told.pop(key, None)
            return
        told = decode_told(value)
        if isinstance(told, Told):
            self._told[key] = told
        else:
            self._positions[key] = told

    async def _mend(self) -> None:
        """Compaction keeps the last record of a key: let that be an alert's last transition."""
        mends = self._alerts.mends()
        if mends:
            await self._send(mends)
            self._health.mended.inc(len(mends))
            for alert in mends:
                self._alerts.hear(alert, now_ms())

    async def _escalate(self) -> None:
        """Escalate what is late, once all is read that was there by now: it may have been taken on, or be resolved."""
        if not self._alerts.escalations(now_ms()):
            return
        await self._read_all()
        late = self._alerts.escalations(now_ms())
        await self._send(late)
        fault_point("desk-after-escalation")
        for alert in late:
            self._alerts.hear(alert, now_ms())
            reason = "" if alert.escalation is None else alert.escalation.reason
            self._health.escalations.labels(reason).inc()
            log.info("desk.escalated", alert=alert.alert, fingerprint=alert.fingerprint, reason=reason)

    async def _forget(self) -> None:
        """Leave tombstones of silences long over, and of what was said of alerts that are not open."""
        if now_ms() - self._forgot_ms < MINUTE_MS:
            return
        self._forgot_ms = now_ms()
        if not self._alerts.over(now_ms()):
            return
        await self._read_all()  # one may have been prolonged, and an alert may fire again, and be taken on anew
        keys = self._alerts.over(now_ms())
        tombstones: list[Pair] = [(key.encode(), None) for key in keys]
        await self._outbox.append_parts(self._settings.topic("handling"), 0, tombstones)
        for key in keys:
            self._alerts.withdraw(key)
        log.info("desk.forgot", handling=len(keys))

    async def _read_all(self) -> None:
        """Read what is there by now."""
        ends: Mapping[TopicPartition, int] = await self._feed.ends()
        while not await self._feed.has_read(ends):
            self._take(await self._feed.read(_ROUND_MS))

    async def _send(self, alerts: list[AnyAlert]) -> None:
        letters = [letter(alert, self._settings) for alert in alerts]
        await self._outbox.append_parts(self._settings.topic("alerts"), 0, letters)

    async def _publish(self) -> None:
        """Bring `alerts-open` up to date, and what a desk before this one left there."""
        view = self._alerts.view(now_ms())
        if view is self._seen:
            return
        seen = self._seen or {}  # empty where it is not known how the topic stands: then all is looked at
        wanted = [(key.encode(), json.encode(known)) for key, known in view.items() if seen.get(key) is not known]
        changes: list[Pair] = [(key, value) for key, value in wanted if self._published.get(key) != value]
        is_open = {key.encode() for key in view} if not seen else set()
        gone = {key.encode() for key in seen.keys() - view.keys()} if seen else self._published.keys() - is_open
        changes += [(key, None) for key in gone if key in self._published]
        if changes:
            fault_point("desk-before-open")
            topic = self._settings.topic("alerts-open")
            self._own_offset = max(self._own_offset, await self._outbox.append_parts(topic, 0, changes))
            fault_point("desk-after-open")
            for name, content in changes:
                _put(self._published, name or b"", content)
        self._seen = view
        self._health.stand(view)


def _put(known: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value


async def insist(settings: Settings, stalls: Stalls, health: DeskInstruments, turn: list[Desk]) -> None:
    """Do the work until cancelled, from the beginning again whenever the brokers fail. ``turn`` has the present try."""
    while True:
        turn[:] = [Desk(settings, stalls, health)]
        try:
            await turn[0].run()
        except KafkaError as error:
            log.warning("desk.failed", error=str(error) or type(error).__name__, again_in_s=1.0)
            await asyncio.sleep(1.0)
