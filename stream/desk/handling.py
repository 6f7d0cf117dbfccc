"""The alerts that are open, and how each stands: active, acknowledged or suppressed, and when it is to be escalated.

Pure: the clock is an argument. All of it follows from the records of `alerts` and `handling`, in whatever order the two
topics are read.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement, AnyHandling, Silence
from schemas.openalert import OpenAlert
from stream.desk.escalation import deadline_ms, escalated
from stream.desk.inhibition import Inhibition, Inhibitors
from stream.desk.maintenance import Maintenance
from stream.desk.matcher import labels_of, match_all
from stream.desk.places import Place
from stream.slices import DAY_MS

SILENCES_KEPT_MS = 5 * DAY_MS
"""How long a silence that is over can still be looked up."""
ACKNOWLEDGEMENTS_KEPT_MS = DAY_MS
"""How long an acknowledgement is kept of an alert that is not open: it may be read before the alert is."""
MOST_RESOLVED = 20_000
"""Resolved alerts that are remembered, so that what is repeated of them later is known as old."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say. ``escalate_ms`` is how long an alert may stand unacknowledged, by severity."""

    inhibitions: tuple[Inhibition, ...] = ()
    inhibit_parts: bool = True
    maintenance: tuple[Maintenance, ...] = ()
    escalate_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Which silences and maintenance hold at a moment."""

    silences: tuple[Silence, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()


class OpenAlerts:
    """Folds both topics. Transitions are taken by their order, so that one that is repeated or late changes nothing."""

    def __init__(self, policy: Policy, most_resolved: int = MOST_RESOLVED) -> None:
        self._policy = policy
        self._most_resolved = most_resolved
        self._open: dict[str, AnyAlert] = {}
        self._resolved: OrderedDict[str, AnyAlert] = OrderedDict()
        self._heard_ms: dict[str, int] = {}
        self._deadlines_ms: dict[str, int] = {}
        self._acknowledged: dict[str, Acknowledgement] = {}
        self._silences: dict[str, Silence] = {}
        self._overtaken: dict[str, AnyAlert] = {}
        self._places: dict[str, Place] = {}
        self._quiet: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._inhibitors = Inhibitors((), policy.inhibitions, policy.inhibit_parts)
        self._moment = _Moment()
        self._moment_ms: int | None = None
        self._view: dict[str, OpenAlert] = {}
        self._stale: set[str] = set()

    def hear(self, alert: AnyAlert, heard_ms: int, place: Place | None = None) -> bool:
        """A record of `alerts` that came at ``heard_ms`` and stands at ``place``. False where it tells nothing new."""
        known = self._open.get(alert.fingerprint) or self._resolved.get(alert.fingerprint)
        if known is not None and alert.order <= known.order:
            if alert.order < known.order:
                self._overtaken[alert.fingerprint] = known
            else:
                self._overtaken.pop(alert.fingerprint, None)
                self._stand(alert, place)
            return False
        if known is not None and known.sequence == alert.sequence:
            heard_ms = min(heard_ms, self._heard_ms.get(alert.fingerprint, heard_ms))
        self._forget(alert.fingerprint)
        self._stand(alert, place)
        self._stale.add(alert.fingerprint)
        if alert.state == "resolved":
            self._resolved[alert.fingerprint] = alert
            if len(self._resolved) > self._most_resolved:
                self._forget(next(iter(self._resolved)))
        else:
            self._open[alert.fingerprint] = alert
            self._heard_ms[alert.fingerprint] = heard_ms
            self._stale |= self._inhibitors.add(alert)
            by_ms = deadline_ms(alert, heard_ms, self._policy.escalate_ms)
            if by_ms is not None:
                self._deadlines_ms[alert.fingerprint] = by_ms
        return True

    def _forget(self, fingerprint: str) -> None:
        known = self._open.get(fingerprint)
        if known is not None:
            self._quiet.pop(known.id, None)
            self._stale |= self._inhibitors.remove(known)
        for each in (self._open, self._resolved, self._heard_ms, self._deadlines_ms, self._overtaken, self._places):
            each.pop(fingerprint, None)

    def _stand(self, alert: AnyAlert, place: Place | None) -> None:
        if place is not None:
            self._places.setdefault(alert.fingerprint, place)

    def is_overtaken(self, alert: AnyAlert, place: Place) -> bool:
        """Does a record as late as this, or a later one of the same alert, stand before this place? Then it is old."""
        known = self._open.get(alert.fingerprint) or self._resolved.get(alert.fingerprint)
        if known is None or known.order < alert.order:
            return False
        partition, offset = self._places.get(alert.fingerprint, (-1, -1))
        return partition == place[0] and offset < place[1]

    def handle(self, record: AnyHandling) -> None:
        """A record of `handling`."""
        if isinstance(record, Silence):
            self._silences[record.key] = record
            self._moment_ms = None
        else:
            self._acknowledged[record.key] = record
            self._stale.add(record.fingerprint)

    def taken_on(self, record: AnyHandling) -> tuple[AnyAlert, int] | None:
        """The open alert that a record is the first to acknowledge, and how many milliseconds after it was told."""
        if not isinstance(record, Acknowledgement):
            return None
        alert, known = self._open.get(record.fingerprint), self._acknowledged.get(record.key)
        if alert is None or alert.sequence != record.sequence:
            return None
        if known is not None and known.sequence == record.sequence:
            return None
        return alert, max(0, record.at_ms - self._heard_ms[record.fingerprint])

    def withdraw(self, key: str) -> None:
        """The record of `handling` with this key is there no more."""
        if self._silences.pop(key, None) is not None:
            self._moment_ms = None
        acknowledged = self._acknowledged.pop(key, None)
        if acknowledged is not None:
            self._stale.add(acknowledged.fingerprint)

    def over(self, now_ms: int) -> list[str]:
        """Keys of `handling` that nothing depends on any more: silences long over, what was said of alerts not open."""
        found = [key for key, each in self._silences.items() if each.ends_ms + SILENCES_KEPT_MS <= now_ms]
        for key, each in self._acknowledged.items():
            is_old = abs(now_ms - each.at_ms) >= ACKNOWLEDGEMENTS_KEPT_MS
            if is_old and each.fingerprint not in self._open:
                found.append(key)
        return found

    def view(self, now_ms: int) -> Mapping[str, OpenAlert]:
        """Every open alert by fingerprint, as it stands at ``now_ms``. The same object while nothing has changed.

        Only what may have changed is looked at; the other values are the same objects as before.
        """
        self._follow(now_ms)
        if self._stale:
            self._view = dict(self._view)
            for key in self._stale:
                alert = self._open.get(key)
                if alert is None:
                    self._view.pop(key, None)
                else:
                    self._view[key] = self._stands(alert)
            self._stale.clear()
        return self._view

    def stands(self, alert: AnyAlert, now_ms: int) -> OpenAlert:
        """How an alert stands at ``now_ms``, be it open or not."""
        self._follow(now_ms)
        return self._stands(alert)

    def _follow(self, now_ms: int) -> None:
        """Where other silences or maintenance hold than before, all alerts may stand otherwise."""
        if now_ms == self._moment_ms:
            return
        self._moment_ms = now_ms
        silences = tuple(each for each in self._silences.values() if each.starts_ms <= now_ms < each.ends_ms)
        moment = _Moment(silences, tuple(each for each in self._policy.maintenance if each.is_on(now_ms)))
        if moment != self._moment:
            self._moment = moment
            self._quiet.clear()
            self._stale.update(self._open)

    def _stands(self, alert: AnyAlert) -> OpenAlert:
        silenced, muted = self._quieted(alert)
        inhibited = self._inhibitors.of(alert)
        acknowledged = self._acknowledgement(alert)
        is_quiet = bool(silenced or muted or inhibited)
        return OpenAlert(
            alert=alert,
            status="suppressed" if is_quiet else "active" if acknowledged is None else "acknowledged",
            acknowledged=acknowledged,
            silenced_by=silenced,
            inhibited_by=inhibited,
            muted_by=muted,
        )

    def _quieted(self, alert: AnyAlert) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """By which silences and maintenance. Remembered, as most alerts and most of these stay as they are."""
        found = self._quiet.get(alert.id)
        if found is None:
            labels = labels_of(alert)
            silenced = sorted(each.id for each in self._moment.silences if match_all(each.matchers, labels))
            muted = [each.name for each in self._moment.maintenance if match_all(each.matchers, labels)]
            found = tuple(silenced), tuple(muted)
            if alert.fingerprint in self._open:
                self._quiet[alert.id] = found
        return found

    def _acknowledgement(self, alert: AnyAlert) -> Acknowledgement | None:
        found = self._acknowledged.get(f"acknowledgement:{alert.fingerprint}")
        return found if found is not None and found.sequence == alert.sequence else None

    def escalations(self, now_ms: int) -> list[AnyAlert]:
        """The transitions of alerts that were to be taken on by now, and were not. To be sent; then they are heard."""
        late = [key for key, by_ms in self._deadlines_ms.items() if by_ms <= now_ms]
        view = self.view(now_ms) if late else {}
        return [escalated(self._open[key], self._deadlines_ms[key]) for key in late if view[key].status == "active"]

    def mends(self) -> list[AnyAlert]:
        """Transitions after which an earlier one of the same alert came, as from a worker that repeats its last ones.

        To be sent again: compaction keeps the last record of a key.
        """
        return list(self._overtaken.values())

    def resolved(self, fingerprint: str) -> AnyAlert | None:
        """How an alert was resolved; None where it fires, or is not remembered."""
        return self._resolved.get(fingerprint)
