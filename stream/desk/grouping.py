"""Groups: alerts that are told together, with Alertmanager's times.

    first alert        next ones, told together            nothing new, still firing
        │◄─ group_wait ─►│◄─ group_interval ─►│◄─ …  repeat_interval … ─►│
        └─ waits         └─ told              └─ told                    └─ told again

Without ``group_by``, each alert is a group of its own, and each transition is told by itself, in order. With it, what
has resolved before it was told is left out, as Alertmanager does. Whoever was told that an alert fires is told of that
firing's end, also where the alert fires again by then.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from schemas.alert import AnyAlert
from schemas.handling import Matcher
from schemas.openalert import OpenAlert
from stream.desk.escalation import SEVERITIES
from stream.desk.matcher import labels_of, match_all
from stream.desk.places import Place, Places
from stream.desk.remembered import Episode, Remembered, episode_of
from stream.slices import DAY_MS, SECOND_MS

Stands = Callable[[AnyAlert], OpenAlert]
Key = tuple[tuple[str, str], ...]
Homes = dict[str, dict[int, "Group"]]
"""The group of each firing that waits or was told, by fingerprint and sequence."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts an outlet is told of, and when. ``group_by`` None: each by itself; empty: all together.

    With ``is_pulse``, repeats are a sign of life: neither do acknowledgements end them, nor are they remembered.
    Without ``resolved``, ends are not told. What is refused for ``give_up_ms`` of the time in which others are taken is
    given up.
    """

    matchers: tuple[Matcher, ...] = ()
    severities: tuple[str, ...] = SEVERITIES
    group_by: tuple[str, ...] | None = None
    wait_ms: int = 0
    interval_ms: int = 0
    repeat_ms: int | None = None
    is_pulse: bool = False
    resolved: bool = True
    give_up_ms: int = DAY_MS

    def takes(self, alert: AnyAlert) -> bool:
        """Is an alert that fires for this outlet?"""
        return alert.severity in self.severities and match_all(self.matchers, labels_of(alert))

    def key(self, alert: AnyAlert) -> Key:
        """The group of an alert. Escalation does not move it to another one."""
        if self.group_by is None:
            return (("fingerprint", alert.fingerprint),)
        severity = alert.severity if alert.escalation is None else alert.escalation.severity
        labels = {**labels_of(alert), "severity": severity}
        return tuple((name, labels.get(name, "")) for name in self.group_by)


@dataclass(frozen=True, slots=True)
class Notice:
    """What an outlet is told at once: ``alerts``, those that fire first. ``id`` follows from what it tells.

    The end of a firing comes right before the next firing of the same alert. ``untold`` are ends that the outlet does
    not want to hear of: they count as told.
    """

    id: str
    group: Mapping[str, str]
    alerts: tuple[AnyAlert, ...]
    key: Key = ()
    untold: tuple[AnyAlert, ...] = ()

    @property
    def status(self) -> str:
        """``firing`` where one alert does, else ``resolved``."""
        return "firing" if any(alert.state == "firing" for alert in self.alerts) else "resolved"

    def part(self, alerts: tuple[AnyAlert, ...]) -> "Notice":
        """Some of its alerts, to be told by themselves: under an id that is the same whenever they are parted so."""
        return replace(self, id=_hash([self.id, *(alert.id for alert in alerts)]), alerts=alerts, untold=())


@dataclass(slots=True)
class _Waiting:
    """A transition that is not told yet. Without a place it holds nothing back: it is found again otherwise."""

    alert: AnyAlert
    place: Place | None


@dataclass(slots=True)
class Group:
    """One group of a route; ``told``, ``places`` and ``homes`` are shared by all.

    ``next_ms`` is when it is looked at next; ``retry_ms`` the same of what was refused, since the outlet's ``Patience``
    read ``refused_ms``, which is negative where that began before a restart.
    """

    key: Key
    route: Route
    told: Remembered
    places: Places
    homes: Homes
    next_ms: int
    waiting: dict[Episode, list[_Waiting]] = field(default_factory=dict)
    members: dict[Episode, AnyAlert] = field(default_factory=dict)
    failures: int = 0
    retry_ms: int = 0
    refused_ms: int | None = None

    def episodes(self) -> set[Episode]:
        """All that it is about."""
        return {*self.waiting, *self.members}

    def add(self, alert: AnyAlert, place: Place | None) -> None:
        """A transition to be told, unless one as late is known already."""
        episode = episode_of(alert)
        queue = self.waiting.setdefault(episode, [])
        if queue and alert.order <= queue[-1].alert.order:
            return
        queue.append(_Waiting(alert, place))
        self.places.hold(place)
        self._settle_in(episode)
        if alert.state == "resolved":
            self.told.ending.add(episode)

    def join(self, alert: AnyAlert) -> None:
        """An alert that was told, and still fires."""
        self.members[episode_of(alert)] = alert
        self._settle_in(episode_of(alert))

    def _settle_in(self, episode: Episode) -> None:
        self.homes.setdefault(episode[0], {})[episode[1]] = self

    def leave(self, episode: Episode) -> None:
        """An alert no longer fires."""
        self.members.pop(episode, None)
        self._tidy(episode)

    def notice(self, stands: Stands, now_ms: int) -> Notice | None:
        """What is to be told now. Transitions that need not be told are forgotten."""
        self.next_ms = now_ms + self.route.interval_ms
        news = self._news(stands)
        latest = {alert.fingerprint: alert.order for alert in news}
        known = [alert for alert in self.members.values() if latest.get(alert.fingerprint, (0, 0)) < alert.order]
        told = [alert for alert in news if self.route.resolved or alert.state == "firing"]
        untold = tuple(alert for alert in news if not self.route.resolved and alert.state == "resolved")
        if told or self._is_to_be_repeated(known, stands, now_ms):
            alerts = _ordered(told, [alert for alert in known if stands(alert).status != "suppressed"])
            return Notice(self._id(alerts, is_repeat=not told), dict(self.key), tuple(alerts), self.key, untold)
        return Notice("", dict(self.key), (), self.key, untold) if untold else None

    def _news(self, stands: Stands) -> list[AnyAlert]:
        """The next transition of each episode; without groups, of the first that has one."""
        news: list[AnyAlert] = []
        for episode in sorted(self.waiting, key=lambda episode: episode[1]):
            found = self._head(episode, stands)
            if found is not None:
                news.append(found)
                if self.route.group_by is None:
                    break
        return news

    def _head(self, episode: Episode, stands: Stands) -> AnyAlert | None:
        """The next transition of an episode to be told; None where there is none, or it is suppressed."""
        queue = self.waiting[episode]
        while queue:
            alert = queue[0].alert
            if alert.state == "resolved":
                if self.told.owes(alert):
                    return alert
                self._end_earlier(alert)
            elif not self._is_left_out(queue):
                if stands(alert).status != "suppressed":
                    return alert
                if queue[-1].alert.state == "firing" and not self._has_successor(episode):
                    self._release(queue)
                    return None
            self.places.release(queue.pop(0).place)
        self._tidy(episode)
        return None

    def _is_left_out(self, queue: list[_Waiting]) -> bool:
        """Is there something later to tell in place of a transition to firing?"""
        episode = episode_of(queue[0].alert)
        if self.route.group_by is None:
            return self.told.has_later(episode)
        return len(queue) > 1 or self.told.has_later(episode) or self._has_successor(episode)

    def _has_successor(self, episode: Episode) -> bool:
        """Does a later firing of the same alert wait? Then this one has ended, even where no record says so."""
        return any(sequence > episode[1] for sequence in self.homes.get(episode[0], ()))

    def _end_earlier(self, resolved: AnyAlert) -> None:
        """An end that nobody is to hear of: earlier firings that wait in other groups have ended too."""
        for sequence, group in list(self.homes.get(resolved.fingerprint, {}).items()):
            if sequence < resolved.sequence and group is not self:
                group.outdate((resolved.fingerprint, sequence))

    def outdate(self, episode: Episode) -> None:
        """That an alert fires need not be told any more."""
        queue = self.waiting.get(episode, [])
        for each in [each for each in queue if each.alert.state == "firing"]:
            self.places.release(each.place)
            queue.remove(each)
        self._tidy(episode)

    def _release(self, queue: list[_Waiting]) -> None:
        """What is suppressed holds nothing back."""
        for each in queue:
            self.places.release(each.place)
            each.place = None

    def _is_to_be_repeated(self, known: Iterable[AnyAlert], stands: Stands, now_ms: int) -> bool:
        """Has it been told for the last time long enough ago, and is there somebody to hear it?"""
        if self.route.repeat_ms is None or 0 <= now_ms - self._last_ms() < self.route.repeat_ms:
            return False  # told in the future: the clock was set back since
        wanted = ("active", "acknowledged") if self.route.is_pulse else ("active",)
        return any(stands(alert).status in wanted for alert in known)

    def _last_ms(self) -> int:
        return max((told.at_ms for each in self.members if (told := self.told.get(each)) is not None), default=0)

    def _id(self, alerts: list[AnyAlert], is_repeat: bool) -> str:
        """The same for the same transitions: news are told once, and what repeats them says since when."""
        if self.route.group_by is None and not is_repeat:
            return alerts[0].id
        parts = [*sorted(alert.id for alert in alerts), str(self.key), str(self._last_ms()) if is_repeat else ""]
        return _hash(parts)

    def settle(self, alert: AnyAlert) -> Place | None:
        """A transition was told: the place of it, where it has one."""
        episode, place = episode_of(alert), None
        queue = self.waiting.get(episode, [])
        while queue and queue[0].alert.order <= alert.order:
            place = queue.pop(0).place
            self.places.release(place)
        if alert.state == "firing":
            self.join(alert)
        else:
            self.members.pop(episode, None)
        self._tidy(episode)
        return place

    def _tidy(self, episode: Episode) -> None:
        queue = self.waiting.get(episode)
        if not queue:
            self.waiting.pop(episode, None)
            self.told.ending.discard(episode)
            if episode not in self.members and episode[0] in self.homes:
                self.homes[episode[0]].pop(episode[1], None)
                if not self.homes[episode[0]]:
                    del self.homes[episode[0]]

    def due_ms(self, now_ms: int) -> int | None:
        """When to look at it next; None where there is no reason to."""
        if not self.waiting and (not self.members or self.route.repeat_ms is None):
            return None
        due_ms = self.next_ms
        if not self.waiting and not self.route.interval_ms and self.route.repeat_ms is not None:
            last_ms = self._last_ms()
            due_ms = max(due_ms, last_ms + self.route.repeat_ms) if last_ms <= now_ms else due_ms
        return max(due_ms, self.retry_ms)

    def idle(self, now_ms: int) -> None:
        """There was nothing to tell: it may be suppressed, so it is looked at again in a while."""
        self.next_ms = max(self.next_ms, now_ms + SECOND_MS)

    def shift(self, by_ms: int) -> None:
        """The clock was set back: what was planned goes with it."""
        self.next_ms += by_ms
        self.retry_ms += by_ms


def _hash(parts: list[str]) -> str:
    return blake2b("\n".join(parts).encode(errors="replace"), digest_size=16).hexdigest()


def _ordered(news: list[AnyAlert], known: list[AnyAlert]) -> list[AnyAlert]:
    """Alerts that fire first, each after the ends of its earlier firings; then those that do not."""
    several: dict[str, list[AnyAlert]] = {}
    for alert in news:
        several.setdefault(alert.fingerprint, []).append(alert)
    for alert in known:
        several.setdefault(alert.fingerprint, []).append(alert)
    runs = [sorted(run, key=lambda alert: alert.order) for run in several.values()]
    return [alert for run in sorted(runs, key=lambda run: run[-1].state != "firing") for alert in run]
