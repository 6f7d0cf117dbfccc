"""One outlet at work: reads `alerts` from its own position, and tells what is to be told."""

import asyncio
import os
from collections.abc import Iterable
from functools import partial
from time import monotonic

import aiohttp
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import DecodeError, json

from agents.clock import now_ms
from agents.desk.feed import Feed
from agents.desk.instruments import DeskInstruments
from agents.faults import fault_point
from agents.outbox import Outbox, Pair
from agents.outletfile import OutletSettings
from agents.outlets import RENDERERS
from agents.outlets.parts import deliver
from agents.outlets.post import Kind, Outcome, attempt, pause_s
from agents.settings import Settings
from schemas.alert import decode_alert
from schemas.told import Position, Told
from stream.desk.dispatch import Change, Dispatch
from stream.desk.grouping import Notice
from stream.desk.handling import OpenAlerts
from stream.slices import SECOND_MS

log = structlog.get_logger(__name__)
_MOST_WAITING = 1_000
"""Transitions read ahead of those told, where each is told by itself."""
_POSITION_MS = 5 * SECOND_MS
_SPACED_S = 5.0
"""At most so far apart are attempts at different notices of an outlet that takes none."""


class Outlet:
    """Its position is written with what it was told, in one batch, after that was delivered.

    What goes wrong in it stays with it: it is logged, counted, and the outlet begins anew from its position.
    """

    def __init__(
        self,
        settings: Settings,
        outlet: OutletSettings,
        alerts: OpenAlerts,
        told: Iterable[Told],
        position: Position,
        outbox: Outbox,
        health: DeskInstruments,
    ) -> None:
        self._settings = settings
        self._outlet = outlet
        self._alerts = alerts
        self._outbox = outbox
        self._health = health
        self._dispatch = Dispatch(outlet.name, outlet.route, alerts, told)
        self._position = position
        self._written_ms = 0
        self._failures = 0
        self._faults = 0
        self._not_before_s = 0.0
        self._is_at_end = False
        self._log = log.bind(outlet=outlet.name)

    async def run(self) -> None:
        """Until cancelled, whatever goes wrong."""
        while True:
            try:
                async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",), headers=_HEADERS) as session:
                    await self._read_and_tell(session)
            except Exception:  # one outlet's fault is to be no other's
                self._faults += 1
                self._health.faults.labels(self._outlet.name).inc()
                pause = pause_s(self._faults, None)
                self._log.exception("outlet.fault", again_in_s=round(pause, 1))
                await asyncio.sleep(pause)
                self._begin_anew()

    def _begin_anew(self) -> None:
        """From the position that was written, with what was told by then."""
        told = self._dispatch.told()
        self._dispatch = Dispatch(self._outlet.name, self._outlet.route, self._alerts, told)
        self._is_at_end = False

    async def _read_and_tell(self, session: aiohttp.ClientSession) -> None:
        while True:
            feed = Feed(self._settings.cluster, [self._settings.topic("alerts")])
            try:
                await feed.start(self._starts())
                try:
                    await self._work(feed, session)
                finally:
                    await feed.stop()
            except KafkaError as error:
                self._log.warning("outlet.unread", error=str(error) or type(error).__name__)
                await asyncio.sleep(1.0)

    def _starts(self) -> dict[TopicPartition, int]:
        topic = self._settings.topic("alerts")
        read = self._dispatch.read or self._position.offsets
        return {TopicPartition(topic, partition): offset for partition, offset in read.items()}

    async def _work(self, feed: Feed, session: aiohttp.ClientSession) -> None:
        while True:
            await self._read(feed)
            if not self._is_at_end and await feed.at_end():
                self._dispatch.adopt(self._alerts.view(now_ms()), now_ms())
                self._is_at_end = True
            if self._is_at_end or self._outlet.route.group_by is None:
                await self._tell(session)
            if now_ms() - self._written_ms >= _POSITION_MS:
                await self._write([])
            self._health.waiting.labels(self._outlet.name).set(self._dispatch.waiting)

    async def _read(self, feed: Feed) -> None:
        if self._outlet.route.group_by is None and self._dispatch.held >= _MOST_WAITING:
            await asyncio.sleep(0.05)
            return
        for at, record in await feed.read():
            place = at.partition, record.offset
            self._dispatch.passed(place)
            try:
                if record.value is not None:
                    self._dispatch.hear(place, decode_alert(record.value), now_ms())
            except DecodeError:
                continue  # the desk says so

    async def _tell(self, session: aiohttp.ClientSession) -> None:
        """Tell what is to be told now. What fails is left for later, and the next has its turn after a pause."""
        while monotonic() >= self._not_before_s:
            notice = self._dispatch.next(now_ms())
            if notice is None:
                return
            intents = self._dispatch.intents(notice)
            if intents:
                await self._write(intents)
            fault_point("outlet-before-delivery")
            done = await self._deliver(session, notice) if notice.alerts else "sent"
            if done == "again":
                continue
            fault_point("outlet-after-delivery")
            await self._write(self._dispatch.delivered(notice, now_ms(), was_taken=done == "sent"))
            self._faults = 0
            fault_point("outlet-after-told")

    async def _deliver(self, session: aiohttp.ClientSession, notice: Notice) -> Kind:
        """Post a notice: was it taken, is it to be tried again, or given up?"""
        name = self._outlet.name
        failures = self._dispatch.failures(notice)
        if failures:
            self._health.retried.labels(name).inc()
        delivery = await deliver(notice, partial(self._attempt, session))
        outcome = delivery.outcome
        for part, answer in delivery.dropped:
            self._drop(part, answer.why)
        if outcome.kind == "sent":
            self._health.sent.labels(name).inc()
            self._failures = 0
        if outcome.kind == "again":
            why, pause = outcome.why, pause_s(failures + 1, outcome.after_s)
            self._failures += 1
            self._not_before_s = monotonic() + max(min(pause_s(self._failures, None), _SPACED_S), outcome.after_s or 0)
            if self._dispatch.refused(notice, now_ms(), round(1_000 * pause)):
                self._log.warning("outlet.failed", id=notice.id, why=why, again_in_s=round(pause, 1))
                return "again"
            self._drop(notice, f"refused for longer than `give_up` while others were taken: {why}")
            return "hopeless"
        return outcome.kind

    def _drop(self, part: Notice, why: str) -> None:
        self._health.dropped.labels(self._outlet.name).inc()
        self._log.error("outlet.dropped", id=part.id, why=why, alerts=[each.id for each in part.alerts])

    async def _attempt(self, session: aiohttp.ClientSession, notice: Notice) -> Outcome:
        """Post once. What cannot even be made into a request is hopeless: it would not be the next time either."""
        outlet, now = self._outlet, now_ms()
        try:
            request = RENDERERS[outlet.kind](outlet, notice, now, outlet.secret(os.environ))
            if request.is_large and len(notice.alerts) > 1:
                return Outcome("hopeless", "too large to be posted at once", may_be_one_of_several=True)
            url = outlet.address(os.environ).rstrip("/") if request.path else outlet.address(os.environ)
            outcome = await attempt(session, url, request, outlet.timeout_ms / 1_000, now / 1_000)
        except Exception as error:
            self._health.faults.labels(outlet.name).inc()
            self._log.exception("outlet.fault", id=notice.id)
            outcome = Outcome("hopeless", f"no request can be made of it: {type(error).__name__}")
        if outcome.kind != "sent":
            self._health.failed.labels(outlet.name).inc()
        return outcome

    async def _write(self, changes: list[Change]) -> None:
        """Remember what was told, and up to where, in one batch."""
        position = Position(outlet=self._outlet.name, offsets=self._position.offsets | self._dispatch.positions())
        changes = [*changes, *self._dispatch.over()]
        pairs: list[Pair] = [(key.encode(), None if told is None else json.encode(told)) for key, told in changes]
        if position != self._position:
            pairs.append((position.key.encode(), json.encode(position)))
        self._written_ms = now_ms()
        if pairs:
            await self._outbox.append_parts(self._settings.topic("alerts-told"), 0, pairs)
            self._position = position


_HEADERS = {"User-Agent": "cxstream"}
