"""Groups: alerts that are told together, with Alertmanager's times.

    first alert        next ones, told together            nothing new, still firing
        │◄─ group_wait ─►│◄─ group_interval ─►│◄─ …  repeat_interval … ─►│
        └─ waits         └─ told              └─ told                    └─ told again

Without ``group_by``, each alert is a group of its own, and each transition is told by itself, in order. With it, what
has resolved before it was told is left out, as Alertmanager does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from schemas.alert import AnyAlert
from schemas.handling import Matcher
from schemas.openalert import OpenAlert
from schemas.told import Told
from stream.desk.escalation import SEVERITIES
from stream.desk.handling import Place
from stream.desk.matcher import labels_of, match_all

Stands = Callable[[AnyAlert], OpenAlert]


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts an outlet is told of, and when. ``group_by`` None: each by itself; empty: all together.

    With ``is_pulse``, repeats are a sign of life: neither do acknowledgements end them, nor are they remembered.
    """

    matchers: tuple[Matcher, ...] = ()
    severities: tuple[str, ...] = SEVERITIES
    group_by: tuple[str, ...] | None = None
    wait_ms: int = 0
    interval_ms: int = 0
    repeat_ms: int | None = None
    is_pulse: bool = False

    def takes(self, alert: AnyAlert) -> bool:
        """Is an alert that fires for this outlet?"""
        return alert.severity in self.severities and match_all(self.matchers, labels_of(alert))

    def key(self, alert: AnyAlert) -> tuple[tuple[str, str], ...]:
        """The group of an alert. Escalation does not move it to another one."""
        if self.group_by is None:
            return (("fingerprint", alert.fingerprint),)
        severity = alert.severity if alert.escalation is None else alert.escalation.severity
        labels = {**labels_of(alert), "severity": severity}
        return tuple((name, labels.get(name, "")) for name in self.group_by)


@dataclass(frozen=True, slots=True)
class Notice:
    """What an outlet is told at once: ``alerts``, those that fire first. ``id`` is the same if it is told twice."""

    id: str
    group: Mapping[str, str]
    alerts: tuple[AnyAlert, ...]
    key: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> str:
        """``firing`` where one alert does, else ``resolved``."""
        return "firing" if any(alert.state == "firing" for alert in self.alerts) else "resolved"


@dataclass(slots=True)
class _Waiting:
    """A transition that is not told yet. Without a place it holds nothing back: it is found again otherwise."""

    alert: AnyAlert
    place: Place | None


@dataclass(slots=True)
class Group:
    """One group of a route; ``told`` is shared by all. ``next_ms`` is when it is looked at next."""

    key: tuple[tuple[str, str], ...]
    route: Route
    told: dict[str, Told]
    next_ms: int
    waiting: dict[str, list[_Waiting]] = field(default_factory=dict)
    members: dict[str, AnyAlert] = field(default_factory=dict)

    def add(self, alert: AnyAlert, place: Place | None) -> None:
        """A transition to be told, unless one as late is known already."""
        queue = self.waiting.setdefault(alert.fingerprint, [])
        if not queue or alert.order > queue[-1].alert.order:
            queue.append(_Waiting(alert, place))

    def notice(self, stands: Stands, now_ms: int) -> Notice | None:
        """What is to be told now. Transitions that need not be told are forgotten."""
        self.next_ms = now_ms + self.route.interval_ms
        news = {key: found for key in list(self.waiting) if (found := self._head(key, stands)) is not None}
        known = {key: alert for key, alert in self.members.items() if key not in news}
        firing = {key: alert for key, alert in news.items() if alert.state == "firing"}
        if not news and not self._is_to_be_repeated(known, stands, now_ms):
            return None
        firing |= {key: alert for key, alert in known.items() if stands(alert).status != "suppressed"}
        alerts = [*firing.values(), *(alert for alert in news.values() if alert.state == "resolved")]
        return Notice(self._id(alerts, is_repeat=not news), dict(self.key), tuple(alerts), self.key) if alerts else None

    def _head(self, fingerprint: str, stands: Stands) -> AnyAlert | None:
        """The next transition of an alert to be told; None where there is none, or it is suppressed."""
        queue = self.waiting[fingerprint]
        while queue:
            alert, told = queue[0].alert, self.told.get(fingerprint)
            is_last = len(queue) == 1
            if alert.state == "resolved":
                if told is not None and (is_last or self.route.group_by is None):
                    return alert
            elif is_last or self.route.group_by is None:
                if stands(alert).status != "suppressed":
                    return alert
                if not self._resolves_later(queue):
                    queue[0].place = None
                    return None
            queue.pop(0)
        del self.waiting[fingerprint]
        return None

    def _resolves_later(self, queue: list[_Waiting]) -> bool:
        first = queue[0].alert.sequence
        return any(each.alert.state == "resolved" and each.alert.sequence >= first for each in queue[1:])

    def _is_to_be_repeated(self, known: Mapping[str, AnyAlert], stands: Stands, now_ms: int) -> bool:
        """Has it been told for the last time long enough ago, and is there somebody to hear it?"""
        if self.route.repeat_ms is None or now_ms - self._last_ms() < self.route.repeat_ms:
            return False
        wanted = ("active", "acknowledged") if self.route.is_pulse else ("active",)
        return any(stands(alert).status in wanted for alert in known.values())

    def _last_ms(self) -> int:
        return max((self.told[key].at_ms for key in self.members if key in self.told), default=0)

    def _id(self, alerts: list[AnyAlert], is_repeat: bool) -> str:
        if self.route.group_by is None and not is_repeat:
            return alerts[0].id
        parts = [*sorted(alert.id for alert in alerts), str(self.key), str(self._last_ms())]
        return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()

    def settle(self, notice: Notice) -> None:
        """A notice was told."""
        for alert in notice.alerts:
            queue = [each for each in self.waiting.pop(alert.fingerprint, []) if each.alert.order > alert.order]
            if queue:
                self.waiting[alert.fingerprint] = queue
            if alert.state == "firing":
                self.members[alert.fingerprint] = alert
            else:
                self.members.pop(alert.fingerprint, None)

    def places(self) -> Iterator[Place]:
        """Where the transitions stand that wait, and are found nowhere else."""
        return (each.place for queue in self.waiting.values() for each in queue if each.place is not None)
