"""The pipeline's own health, as Prometheus sees it."""

from collections.abc import Collection, Iterable, Mapping

from faust.types import TP
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from schemas.alert import FrictionAlert
from schemas.rejected import Reason
from stream.folded import Folded

_SIZES = (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
_EXEMPLAR_CHARACTERS = 128
_STATES = ("firing", "resolved")
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Instruments:
    """Counters and gauges of one worker, in a registry of their own, and what the system says of its process.

    ``exemplars`` is what is told of single cases of friction: ``alert`` (its id), ``customer`` (and theirs) or ``off``.
    ``signals`` are the names of those that friction may have. What may be counted begins at zero: a series that began
    with its first case would hide it, as Prometheus' ``increase`` tells how much it differs from the first value.
    """

    def __init__(self, exemplars: str = "off", signals: Iterable[str] = ()) -> None:
        self._exemplars = exemplars
        disable_created_metrics()  # type: ignore[no-untyped-call] # of no use to Prometheus, a series for each counter
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("topic", "partition")
        self.touchpoints = self._counter("cx_touchpoints_folded", "Touchpoints folded into the state", ("type",))
        self.rejected = self._counter("cx_touchpoints_rejected", "Records sent to the rejected topic", ("reason",))
        self.duplicates = self._counter("cx_touchpoints_duplicate", "Touchpoints whose event id was seen before")
        self.late = self._counter("cx_touchpoints_late", "Touchpoints over a minute behind the watermark, counted")
        self.capped = self._counter("cx_segment_values_capped", "New values and reasons that count as other")
        self.forgotten = self._counter("cx_state_forgotten", "Customers, tickets and answers kept for long enough")
        self.handed = self._counter("cx_handovers", "Records handed over to others, as ids are one customer's")
        self.skipped = self._counter("cx_records_replayed", "Records read again that the state already included")
        self.lost = self._counter("cx_records_lost", "Records deleted by retention before they were read", labels)
        self.restored = self._counter(
            "cx_changelog_restored_records", "Records of changelogs read back while recovering", ("table",)
        )
        self.foreign = self._counter("cx_cells_malformed", "Records of the cells topic that are none, left out")
        self.alerts = self._counter("cx_alert_transitions", "Alerts fired and resolved", ("alert", "state"))
        self.friction = self._counter("cx_friction", "Friction of customers that began and ended", ("signal", "state"))
        self.rules_number = self._gauge("cx_rules", "Alert rules in force")
        self.rules_valid = self._gauge("cx_rules_valid", "1 where the rule file is in force, 0 where it was refused")
        self.rules_loaded = self._gauge("cx_rules_loaded_seconds", "When the rules in force were read, epoch seconds")
        self.batch = Histogram("cx_batch_records", "Records of a micro-batch", buckets=_SIZES, registry=self.registry)
        self.commit = Histogram(
            "cx_commit_seconds", "From folded to durable, for a micro-batch", buckets=_SECONDS, registry=self.registry
        )
        self.lag = self._gauge("cx_lag_records", "Records not yet included in the state", labels)
        self.watermark = self._gauge("cx_watermark_timestamp_seconds", "Latest event time", ("partition",))
        self.delay = self._gauge("cx_watermark_delay_seconds", "The clock less the latest event time", ("partition",))
        self.cells = self._gauge("cx_cells", "Cells that are kept", ("table",))
        self.hot = self._gauge("cx_hot_bytes", "Memory that decoded state is judged to take", ("table",))
        self.recovering = self._gauge("cx_recovering_seconds", "For how long partitions and their state are waited for")
        self.stalled = self._gauge("cx_stalled_seconds", "For how long writes have been refused, and by what", ("by",))
        for reason in Reason:
            self.rejected.labels(reason.value)
        _begin(self.friction, signals)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def folded(self, records: int, batch: Folded) -> None:
        """Count what a batch came to; one without records came of time passing."""
        if records:
            self.batch.observe(records)
        for kind, number in batch.events.items():
            self.touchpoints.labels(kind).inc(number)
        for rejected in batch.rejected:
            self.rejected.labels(rejected.reason.value).inc()
        for alert in batch.alerts:
            self.friction.labels(alert.alert, alert.state).inc(1, self._exemplar(alert))
        self.duplicates.inc(batch.duplicates)
        self.late.inc(batch.late)
        self.capped.inc(batch.capped)
        self.forgotten.inc(batch.forgotten)
        self.handed.inc(len(batch.handed))
        self.skipped.inc(batch.skipped)

    def _exemplar(self, alert: FrictionAlert) -> dict[str, str] | None:
        """Which case it is. OpenMetrics has room for 128 characters: an id of a customer that is longer is left out."""
        if self._exemplars == "off":
            return None
        found = {"alert_id": alert.id}
        if self._exemplars == "customer":
            found["customer"] = alert.customer
        return found if sum(map(len, (*found, *found.values()))) <= _EXEMPLAR_CHARACTERS else {"alert_id": alert.id}

    def rules(self, alerts: Collection[str], now_ms: int) -> None:
        """Rules were taken over, with these names of their alerts."""
        _begin(self.alerts, alerts)
        self.rules_number.set(len(alerts))
        self.rules_valid.set(1)
        self.rules_loaded.set(now_ms / 1000)

    def rules_refused(self) -> None:
        """The rule file has mistakes: the rules before it go on."""
        self.rules_valid.set(0)

    def size(self, table: str, cells: int, hot_bytes: int) -> None:
        """How large the state of this worker's partitions is."""
        self.cells.labels(table).set(cells)
        self.hot.labels(table).set(hot_bytes)

    def progress(
        self,
        lag: Mapping[TP, int],
        watermarks_ms: Mapping[int, int],
        now_ms: int,
        stalled_since_ms: Mapping[str, int | None],
    ) -> None:
        """How far behind the partitions are that this worker owns now; those it no longer owns are not shown."""
        self.lag.clear()
        self.watermark.clear()
        self.delay.clear()
        for tp, records in lag.items():
            self.lag.labels(tp.topic, tp.partition).set(records)
        for partition, watermark_ms in watermarks_ms.items():
            if watermark_ms:
                self.watermark.labels(partition).set(watermark_ms / 1000)
                self.delay.labels(partition).set((now_ms - watermark_ms) / 1000)
        for cause, since_ms in stalled_since_ms.items():
            self.stalled.labels(cause).set(0 if since_ms is None else (now_ms - since_ms) / 1000)


def _begin(counter: Counter, names: Iterable[str]) -> None:
    """Have a counter of transitions begin at zero for each of these names."""
    for name in names:
        for state in _STATES:
            counter.labels(name, state)
