"""The desk's own health, as Prometheus sees it."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.alert import AnyAlert
from schemas.openalert import OpenAlert

_REASONS = ("due", "unacknowledged")
_STATUSES = ("active", "acknowledged", "suppressed")
_SECONDS = (15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)


class DeskInstruments:
    """Counters and gauges of one desk, in a registry of their own.

    ``outlets`` are the names of all: what may be counted begins at zero, or the first would not be seen to come.
    """

    def __init__(self, outlets: Iterable[str] = ()) -> None:
        self._outlets = tuple(outlets)
        self.registry = CollectorRegistry()
        self.active = self._gauge("cx_desk_active", "1 where this desk does the work, 0 where it stands by")
        self.open = self._gauge("cx_alerts_open", "Alerts that fire now", ("status",))
        self.taken_on = Histogram(
            "cx_alert_acknowledgement_seconds",
            "From when an alert was told until somebody took it on, while this desk did the work",
            ("alert", "severity"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.escalations = self._counter("cx_alert_escalations", "Alerts that nobody took on in time", ("reason",))
        self.mended = self._counter("cx_alert_mends", "Transitions sent again, as an earlier one came after them")
        self.foreign = self._counter("cx_desk_foreign", "Records that cannot be read, left out", ("topic",))
        self.sent = self._counter("cx_outlet_sent", "Notices that an outlet took", ("outlet",))
        self.failed = self._counter("cx_outlet_failed", "Attempts that failed", ("outlet",))
        self.retried = self._counter("cx_outlet_retried", "Attempts made again after one that failed", ("outlet",))
        self.dropped = self._counter(
            "cx_outlet_dropped", "Notices, or parts of one, given up: an outlet cannot take them", ("outlet",)
        )
        self.faults = self._counter("cx_outlet_faults", "Faults of our own in an outlet: see the log", ("outlet",))
        self.waiting = self._gauge("cx_outlet_waiting", "Transitions that an outlet is still to be told", ("outlet",))
        for reason in _REASONS:
            self.escalations.labels(reason)
        for counter in (self.sent, self.failed, self.retried, self.dropped, self.faults):
            for name in self._outlets:
                counter.labels(name)
        self.stands_by()

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def works(self) -> None:
        """This desk does the work from now on."""
        self.active.set(1)

    def stands_by(self) -> None:
        """Another one does, and tells what is open and what waits: it is not to be there twice."""
        self.active.set(0)
        self.open.clear()
        for name in self._outlets:
            self.waiting.labels(name).set(0)

    def told(self, alert: AnyAlert) -> None:
        """There is an alert to be taken on: its series begin at zero, or the first would not be seen to come."""
        if alert.state == "firing":
            self.taken_on.labels(alert.alert, alert.severity)

    def acknowledged(self, alert: AnyAlert, after_ms: int) -> None:
        """Somebody has taken on an alert."""
        self.taken_on.labels(alert.alert, alert.severity).observe(after_ms / 1000)

    def stand(self, view: Mapping[str, OpenAlert]) -> None:
        """How many alerts are open, and how they stand."""
        tally: Tally[str] = Tally(known.status for known in view.values())
        for status in _STATUSES:
            self.open.labels(status).set(tally[status])
