"""What one outlet is still to be told, and up to where it has been told all. Pure: the clock is an argument."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial

from schemas.alert import AnyAlert
from schemas.openalert import OpenAlert
from schemas.told import Told, told_key
from stream.desk.grouping import Group, Notice, Route
from stream.desk.handling import MOST_RESOLVED, OpenAlerts, Place
from stream.slices import SECOND_MS


class Dispatch:
    """Takes the transitions of `alerts` from the outlet's position on, and what it was ``told`` before.

    What is suppressed holds no position back: it is found again among the alerts that are open (``adopt``).
    """

    def __init__(self, outlet: str, route: Route, alerts: OpenAlerts, told: Mapping[str, Told]) -> None:
        self._outlet = outlet
        self._route = route
        self._alerts = alerts
        self._told = dict(told)
        self._groups: dict[tuple[tuple[str, str], ...], Group] = {}
        self._busy: dict[tuple[tuple[str, str], ...], Group] = {}
        self._read: dict[int, int] = {}
        self._heard: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def hear(self, place: Place, alert: AnyAlert, now_ms: int) -> None:
        """A transition from the topic. One that was told already, or is for others, is passed over."""
        self.passed(place)
        told = self._told.get(alert.fingerprint)
        if self._is_old(alert, place, told):
            return
        group = self._groups.get(self._route.key(alert))
        is_waited_for = told is not None or (group is not None and alert.fingerprint in group.waiting)
        if is_waited_for if alert.state == "resolved" else self._route.takes(alert):
            self._wait(alert, place, now_ms)

    def _is_old(self, alert: AnyAlert, place: Place, told: Told | None) -> bool:
        """Was it told, or does it only repeat what was there before?"""
        if told is not None and told.is_sure and alert.order <= tuple(told.order):
            return True
        if alert.order <= self._heard.get(alert.fingerprint, (0, 0)) or self._alerts.is_overtaken(alert, place):
            return True
        self._heard[alert.fingerprint] = alert.order
        self._heard.move_to_end(alert.fingerprint)
        if len(self._heard) > MOST_RESOLVED:
            self._heard.popitem(last=False)
        return False

    def _wait(self, alert: AnyAlert, place: Place | None, now_ms: int) -> None:
        group = self._group(alert, now_ms)
        group.add(alert, place)
        if self._route.group_by is None and alert.state == "resolved":
            group.next_ms = min(group.next_ms, now_ms)  # it may have been looked at as suppressed, to be so again later
        self._busy[group.key] = group

    def passed(self, place: Place) -> None:
        """A record was read, whatever it was."""
        partition, offset = place
        self._read[partition] = max(offset + 1, self._read.get(partition, 0))

    def adopt(self, view: Mapping[str, OpenAlert], now_ms: int) -> None:
        """What is open, or resolved, before the position: to be told if it was not, and to be told again in time."""
        for key in self._told.keys() - view.keys():
            resolved = self._alerts.resolved(key)
            if resolved is not None:
                self._wait(resolved, None, now_ms)
        for key, known in view.items():
            told = self._told.get(key)
            told = told if told is not None and told.is_sure else None
            if told is not None and told.order[0] == known.alert.sequence:
                self._group(known.alert, now_ms).members.setdefault(key, known.alert)
            if self._route.takes(known.alert) and (told is None or tuple(told.order) < known.alert.order):
                self._wait(known.alert, None, now_ms)

    def _group(self, alert: AnyAlert, now_ms: int) -> Group:
        key = self._route.key(alert)
        group = self._groups.get(key)
        if group is None:
            first_ms = now_ms if alert.at_ms + self._route.wait_ms < now_ms else now_ms + self._route.wait_ms
            group = self._groups[key] = Group(key, self._route, self._told, first_ms)
        return group

    def next(self, now_ms: int) -> Notice | None:
        """What to tell now, if anything. It is the same again until ``delivered`` says that it was told."""
        stands = partial(self._alerts.stands, now_ms=now_ms)
        looked_at = self._busy if self._route.repeat_ms is None else self._groups
        for group in list(looked_at.values()):
            if group.next_ms > now_ms:
                continue
            before_ms = group.next_ms
            notice = group.notice(stands, now_ms)
            if notice is not None:
                group.next_ms = before_ms
                return notice
            if group.waiting and self._route.group_by is None:
                group.next_ms = now_ms + SECOND_MS  # it is suppressed
            self._tidy(group)
        return None

    def _tidy(self, group: Group) -> None:
        if not group.waiting:
            self._busy.pop(group.key, None)
            if not group.members:
                del self._groups[group.key]

    def intents(self, notice: Notice) -> list[tuple[str, Told | None]]:
        """What to remember before a notice is told, by key: who may have heard that an alert fires, hears its end."""
        found: list[tuple[str, Told | None]] = []
        for alert in notice.alerts:
            told = self._told.get(alert.fingerprint)
            if alert.state == "firing" and (told is None or told.order[0] != alert.sequence):
                told = self._told[alert.fingerprint] = self._of(alert, 0, is_sure=False)
                found.append((told.key, told))
        return found

    def _of(self, alert: AnyAlert, at_ms: int, is_sure: bool) -> Told:
        return Told(
            outlet=self._outlet,
            fingerprint=alert.fingerprint,
            id=alert.id,
            order=alert.order,
            at_ms=at_ms,
            is_sure=is_sure,
        )

    def delivered(self, notice: Notice, now_ms: int) -> list[tuple[str, Told | None]]:
        """A notice was told, or given up. What to remember of it, by key; None for what can be forgotten."""
        group = self._groups[notice.key]
        changes = [self._remember(alert, now_ms) for alert in notice.alerts]
        group.settle(notice)
        group.next_ms = now_ms + self._route.interval_ms
        self._tidy(group)
        return [change for change in changes if change is not None]

    def _remember(self, alert: AnyAlert, now_ms: int) -> tuple[str, Told | None] | None:
        key, before = told_key(self._outlet, alert.fingerprint), self._told.get(alert.fingerprint)
        if alert.state == "resolved":
            if before is not None and before.order[0] > alert.sequence:
                return None  # it fires again, and somebody was told so in another group
            self._told.pop(alert.fingerprint, None)
            return key, None
        told = self._of(alert, now_ms, is_sure=True)
        self._told[alert.fingerprint] = told
        is_known = before is not None and before.is_sure and before.id == told.id
        return None if is_known and self._route.is_pulse else (key, told)

    def positions(self) -> dict[int, int]:
        """Up to where each partition has been told: everything before need not be read again."""
        found = dict(self._read)
        for partition, offset in self._waiting():
            found[partition] = min(offset, found[partition])
        return found

    def _waiting(self) -> Iterable[Place]:
        return (place for group in self._busy.values() for place in group.places())

    @property
    def read(self) -> dict[int, int]:
        """The offset of the next record to read, by partition."""
        return dict(self._read)

    @property
    def held(self) -> int:
        """How many transitions hold the position back."""
        return sum(1 for _ in self._waiting())

    @property
    def waiting(self) -> int:
        """How many transitions wait to be told."""
        return sum(len(queue) for group in self._busy.values() for queue in group.waiting.values())
