"""What one outlet is still to be told, and up to where it has been told all. Pure: the clock is an argument."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial
from heapq import heappop, heappush
from itertools import chain

from msgspec.structs import replace

from schemas.alert import AnyAlert
from schemas.openalert import OpenAlert
from schemas.told import Told, told_key
from stream.desk.agenda import Agenda
from stream.desk.grouping import Group, Homes, Key, Notice, Route
from stream.desk.handling import MOST_RESOLVED, OpenAlerts
from stream.desk.patience import Patience
from stream.desk.places import Place, Places
from stream.desk.remembered import Episode, Remembered, episode_of
from stream.slices import SECOND_MS

Change = tuple[str, Told | None]
"""What is to be remembered under a key; None for what can be forgotten."""
_NOWHERE: Place = (-1, -1)
"""Where an end stands that is not read again: before every position."""


class Dispatch:
    """Takes the transitions of `alerts` from the outlet's position on, and what it was ``told`` before.

    What is suppressed holds no position back: it is found again among the alerts that are open (``adopt``). What is
    refused holds its own group back, no other one.
    """

    def __init__(self, outlet: str, route: Route, alerts: OpenAlerts, told: Iterable[Told] = ()) -> None:
        self._outlet = outlet
        self._route = route
        self._alerts = alerts
        self._told = Remembered(told)
        self._places = Places()
        self._groups: dict[Key, Group] = {}
        self._homes: Homes = {}
        self._agenda: Agenda[Key] = Agenda()
        self._heard: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._ended: set[Episode] = {told.episode for told in self._told if told.has_ended}
        self._ended_at: list[tuple[Place, Episode]] = []
        self._now_ms = 0
        self._patience = Patience(route.give_up_ms)

    def hear(self, place: Place, alert: AnyAlert, now_ms: int) -> None:
        """A transition from the topic. One that was told already, or is for others, is passed over."""
        self.passed(place)
        if self._is_old(alert, place):
            return
        if self._is_waited_for(alert) if alert.state == "resolved" else self._route.takes(alert):
            self._wait(alert, place, now_ms)

    def _is_waited_for(self, alert: AnyAlert) -> bool:
        """Was the outlet told of what ends, or is it to be: this firing, or one before without an end?"""
        homes = self._homes.get(alert.fingerprint, ())
        return self._told.owes(alert) or any(sequence <= alert.sequence for sequence in homes)

    def _is_old(self, alert: AnyAlert, place: Place) -> bool:
        """Was it told, or does it only repeat what was there before?"""
        told = self._told.get(episode_of(alert))
        if told is not None and told.is_sure and alert.order <= tuple(told.order):
            if alert.state == "resolved":
                self._end_at(place, episode_of(alert))
            return True
        if (told is None or alert.state == "firing") and self._told.has_later(episode_of(alert)):
            return True
        if alert.order <= self._heard.get(alert.fingerprint, (0, 0)) or self._alerts.is_overtaken(alert, place):
            return True
        self._heard[alert.fingerprint] = alert.order
        self._heard.move_to_end(alert.fingerprint)
        if len(self._heard) > MOST_RESOLVED:
            self._heard.popitem(last=False)
        return False

    def _wait(self, alert: AnyAlert, place: Place | None, now_ms: int) -> None:
        group = self._home(episode_of(alert)) or self._group(alert, now_ms)
        group.add(alert, place)
        if self._route.group_by is None and alert.state == "resolved":
            group.next_ms = min(group.next_ms, now_ms)  # it may have been looked at as suppressed, to be so again later
        self._plan(group, now_ms)

    def _home(self, episode: Episode) -> Group | None:
        return self._homes.get(episode[0], {}).get(episode[1])

    def passed(self, place: Place) -> None:
        """A record was read, whatever it was."""
        self._places.passed(place)

    def adopt(self, view: Mapping[str, OpenAlert], now_ms: int) -> None:
        """What is open, or resolved, before the position: to be told if it was not, and to be told again in time."""
        for told in self._told:
            if not told.has_ended:
                self._adopt_told(told, view.get(told.fingerprint), now_ms)
        for known in view.values():
            found = self._told.get(episode_of(known.alert))
            is_news = found is None or not found.is_sure or tuple(found.order) < known.alert.order
            if is_news and self._route.takes(known.alert):
                self._wait(known.alert, None, now_ms)
        for episode in self._ended:
            heappush(self._ended_at, (_NOWHERE, episode))
        self._ended.clear()

    def _adopt_told(self, told: Told, known: OpenAlert | None, now_ms: int) -> None:
        if known is None:
            resolved = self._alerts.resolved(told.fingerprint)
            if resolved is not None and self._told.owes(resolved):
                self._wait(resolved, None, now_ms)
        elif told.is_sure and known.alert.sequence == told.order[0]:
            group = self._group(known.alert, now_ms)
            group.join(known.alert)
            self._plan(group, now_ms)
        elif told.episode not in self._told.ending and self._told.has_later(told.episode):
            heappush(self._ended_at, (_NOWHERE, told.episode))  # its end is not on the topic any more

    def _group(self, alert: AnyAlert, now_ms: int) -> Group:
        key = self._route.key(alert)
        group = self._groups.get(key)
        if group is None:
            first_ms = now_ms if alert.at_ms + self._route.wait_ms < now_ms else now_ms + self._route.wait_ms
            group = Group(key, self._route, self._told, self._places, self._homes, first_ms)
            self._groups[key] = group
        return group

    def _plan(self, group: Group, now_ms: int) -> None:
        due_ms = group.due_ms(now_ms)
        if due_ms is not None:
            self._agenda.plan(group.key, due_ms)
            return
        self._agenda.drop(group.key)
        if not group.members:
            self._groups.pop(group.key, None)

    def next(self, now_ms: int) -> Notice | None:
        """What to tell now, if anything. It is the same again until it was ``delivered`` or ``refused``."""
        self._follow(now_ms)
        stands = partial(self._alerts.stands, now_ms=now_ms)
        while (key := self._agenda.first(now_ms)) is not None:
            group = self._groups[key]
            before_ms = group.next_ms
            notice = group.notice(stands, now_ms)
            if notice is not None:
                group.next_ms = before_ms
                return notice
            group.idle(now_ms)
            self._plan(group, now_ms)
        return None

    def _follow(self, now_ms: int) -> None:
        """Where the clock was set back, what was planned by it goes with it."""
        back_ms = self._now_ms - now_ms
        if back_ms >= SECOND_MS:
            for group in list(self._groups.values()):
                group.shift(-back_ms)
                self._plan(group, now_ms)
            self._patience.shift(-back_ms)
        if not 0 < back_ms < SECOND_MS:
            self._now_ms = now_ms

    def intents(self, notice: Notice) -> list[Change]:
        """What to remember before a notice is told, by key: who may have heard that an alert fires, hears its end.

        And for how long it was refused by now, so that a restart does not begin to count anew.
        """
        found = [
            self._put(self._of(alert, 0, is_sure=False))
            for alert in notice.alerts
            if alert.state == "firing" and self._told.get(episode_of(alert)) is None
        ]
        group = self._groups[notice.key]
        if group.refused_ms is not None:
            bearers, refused_for_ms = self._bearers(notice), self._patience.read_ms(self._now_ms) - group.refused_ms
            noted_ms = max((told.refused_ms for told in bearers), default=0)
            if bearers and self._patience.is_worth_noting(noted_ms, refused_for_ms):
                found.append(self._put(replace(bearers[0], refused_ms=refused_for_ms)))
        return found

    def _bearers(self, notice: Notice) -> list[Told]:
        """What is remembered of the firings that a notice is about."""
        own = [(alert, self._told.get(episode_of(alert))) for alert in (*notice.alerts, *notice.untold)]
        return list(chain.from_iterable([told] if told else self._told.superseded(alert) for alert, told in own))

    def _put(self, told: Told) -> Change:
        self._told.put(told)
        return told.key, told

    def _of(self, alert: AnyAlert, at_ms: int, is_sure: bool = True) -> Told:
        return Told(
            outlet=self._outlet,
            fingerprint=alert.fingerprint,
            id=alert.id,
            order=alert.order,
            at_ms=at_ms,
            is_sure=is_sure,
        )

    def delivered(self, notice: Notice, now_ms: int, was_taken: bool = True) -> list[Change]:
        """A notice was told, or (not ``was_taken``) given up. What to remember of it, by key."""
        group = self._groups[notice.key]
        group.failures, group.retry_ms, group.refused_ms = 0, 0, None
        if notice.alerts and was_taken:
            self._patience.take(now_ms)
        changes: list[Change] = []
        for alert in (*notice.alerts, *notice.untold):
            changes += self._remember(alert, group.settle(alert), now_ms)
        changes += [self._put(replace(told, refused_ms=0)) for told in self._told_of(group) if told.refused_ms]
        if self._route.interval_ms:
            group.next_ms = now_ms + self._route.interval_ms
        self._plan(group, now_ms)
        return changes

    def refused(self, notice: Notice, now_ms: int, pause_ms: int) -> bool:
        """A notice was not taken: others have their turn. False where it was tried for long enough, while others were.

        It is then for the caller to give it up (``delivered``).
        """
        group = self._groups[notice.key]
        group.failures += 1
        reads_ms = self._patience.read_ms(now_ms)
        if group.refused_ms is None:
            noted = chain(self._bearers(notice), self._told_of(group))
            group.refused_ms = reads_ms - max((told.refused_ms for told in noted), default=0)
        if self._patience.is_over(reads_ms - group.refused_ms):
            return False
        group.retry_ms = now_ms + pause_ms
        self._plan(group, now_ms)
        return True

    def _told_of(self, group: Group) -> list[Told]:
        """What is remembered of all that a group is about."""
        return [told for episode in group.episodes() if (told := self._told.get(episode)) is not None]

    def failures(self, notice: Notice) -> int:
        """How often in a row a notice of this group was refused."""
        return self._groups[notice.key].failures

    def _remember(self, alert: AnyAlert, place: Place | None, now_ms: int) -> list[Change]:
        before = self._told.get(episode_of(alert))
        changes = [self._forgotten(told.episode) for told in self._told.superseded(alert)]
        if alert.state == "resolved":
            return [*changes, self._ends(alert, place, now_ms)]
        change = self._put(told := self._of(alert, now_ms))
        is_known = before is not None and before.is_sure and before.id == told.id and not before.refused_ms
        return changes if is_known and self._route.is_pulse else [*changes, change]

    def _ends(self, alert: AnyAlert, place: Place | None, now_ms: int) -> Change:
        """Until the position is beyond the end, it is remembered: all before may be read again."""
        if self._places.is_past(place) or place is None:
            return self._forgotten(episode_of(alert))
        self._end_at(place, episode_of(alert))
        return self._put(self._of(alert, now_ms))

    def _end_at(self, place: Place, episode: Episode) -> None:
        self._ended.discard(episode)
        heappush(self._ended_at, (place, episode))

    def _forgotten(self, episode: Episode) -> Change:
        self._told.drop(episode)
        group = self._home(episode)
        if group is not None:
            group.leave(episode)
        return told_key(self._outlet, *episode), None

    def over(self) -> list[Change]:
        """Ends that were told and that the position is beyond by now: they can be forgotten."""
        found: list[Change] = []
        while self._ended_at and self._places.is_past(self._ended_at[0][0]):
            place, episode = heappop(self._ended_at)
            told = self._told.get(episode)
            if told is not None and (told.has_ended or place == _NOWHERE):
                found.append(self._forgotten(episode))
        return found

    def told(self) -> list[Told]:
        """All that is remembered, to begin anew with."""
        return list(self._told)

    def positions(self) -> dict[int, int]:
        """Up to where each partition has been told: everything before need not be read again."""
        return self._places.positions()

    @property
    def read(self) -> dict[int, int]:
        """The offset of the next record to read, by partition."""
        return dict(self._places.read)

    @property
    def held(self) -> int:
        """How many transitions hold the position back."""
        return len(self._places)

    @property
    def waiting(self) -> int:
        """How many transitions wait to be told."""
        return sum(len(queue) for group in self._groups.values() for queue in group.waiting.values())
