"""The main job, whole, on one machine: a broker, a worker, a simulated hour with an incident, its alert read back."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from kafka import KafkaConsumer
from msgspec import json

from agents import topics
from agents.brokers import Broker
from agents.clock import now_ms
from agents.settings import Settings, load
from agents.simulator import Incident, Kind, Population, browse, encode, produce
from agents.web import free_port
from schemas.alert import MetricAlert, decode_alert
from schemas.metric import Metric
from stream.errors import CxstreamError
from stream.slices import MINUTE_MS, SECOND_MS

ALERT = "DissatisfiedWebCustomers"
_ANONYMOUS = 0.3
"""Of the customers, those who browse before they sign in."""
_MINUTES = 46
_INCIDENT_MINUTES = (14, 22)
_SPEED = 60.0
_START_S = 60
_AFTERWARDS_S = 20


class DemoError(CxstreamError):
    """The demo did not show what it is there to show."""


@dataclass(slots=True)
class Seen:
    """What came back from the topics so far: metrics by name, window and segment, alerts in order, and how many
    customers each signal of friction has fired for."""

    metrics: dict[tuple[str, str, tuple[tuple[str, str], ...]], Metric] = field(default_factory=dict)
    alerts: list[MetricAlert] = field(default_factory=list)
    friction: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    as_of_ms: int = 0

    def metric(self, name: str, window: str, **segment: str) -> Metric | None:
        """The latest value of a metric."""
        return self.metrics.get((name, window, tuple(segment.items())))

    def has(self, state: str) -> bool:
        """True where the incident's alert has been in that state."""
        return any(alert.alert == ALERT and alert.state == state for alert in self.alerts)


class Demo:
    """One run. ``seen`` may be read while ``run`` goes on."""

    def __init__(self, broker: Broker, seed: int, customers: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cxstream-demo-")
        self.customers = customers
        self.seen = Seen()
        self.settings: Settings = load(
            environment={}, bootstrap=broker.bootstrap, id="demo", session_seconds=2, port=free_port("127.0.0.1", 0)
        )
        start_ms = now_ms() // MINUTE_MS * MINUTE_MS - _MINUTES * MINUTE_MS
        first, last = (start_ms + minute * MINUTE_MS for minute in _INCIDENT_MINUTES)
        self.incident = Incident(Kind.BROKEN_CHECKOUT, first, last, {"channel": "web"})
        self.population = Population(
            seed, customers, start_ms, _MINUTES * MINUTE_MS, customers / 60, incidents=[self.incident]
        )
        self.url = f"http://127.0.0.1:{self.settings.port}"

    def run(self, show: Callable[[], None]) -> None:
        """Everything, start to end; ``show`` is called several times a second.

        Raises:
            DemoError: the worker does not start, or dies, or the alert does not fire and resolve.
        """
        topics.ensure(self.settings)
        with self._folder, self._worker() as process, self._reading():
            self._wait(self._is_ready, _START_S, "the worker is ready", process, show)
            simulating = threading.Thread(target=self._simulate, daemon=True)
            simulating.start()
            self._wait(lambda: not simulating.is_alive(), 90, "the simulation has ended", process, show)
            self._wait(lambda: self.seen.has("resolved"), _AFTERWARDS_S, f"{ALERT} fired and resolved", process, show)

    @contextmanager
    def _worker(self) -> Iterator["subprocess.Popen[bytes]"]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CXSTREAM_")}
        environment |= {
            "CXSTREAM_BOOTSTRAP": self.settings.bootstrap,
            "CXSTREAM_ID": self.settings.id,
            "CXSTREAM_PORT": str(self.settings.port),
            "CXSTREAM_SESSION_SECONDS": str(self.settings.session_seconds),
        }
        log = Path(self._folder.name) / "worker.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "agents.cli", "worker"], env=environment, stdout=out, stderr=out
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait(
        self,
        condition: Callable[[], bool],
        seconds: float,
        what: str,
        process: "subprocess.Popen[bytes]",
        show: Callable[[], None],
    ) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if process.poll() is not None or time.monotonic() > end:
                log = (Path(self._folder.name) / "worker.log").read_text(errors="replace")[-2_000:]
                raise DemoError(f"waited in vain until {what}. The worker's log ends with:\n{log}")
            show()
            time.sleep(0.2)
        show()

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2):
                return True
        except (URLError, OSError):
            return False

    def _simulate(self) -> None:
        topic = self.settings.topic("touchpoints")
        produce(
            encode(browse(self.population, self.population.seed, _ANONYMOUS)),
            self.settings.cluster,
            topic,
            speed=_SPEED,
            on_progress=self._progress,
        )

    def _progress(self, sent: int, time_ms: int) -> None:
        self.seen.sent = sent

    @contextmanager
    def _reading(self) -> Iterator[None]:
        ended = threading.Event()
        reading = threading.Thread(target=self._read, args=(ended,), daemon=True)
        reading.start()
        try:
            yield
        finally:
            ended.set()
            reading.join(10)

    def _read(self, ended: threading.Event) -> None:
        """Follow the topics as a subscriber would."""
        alerts, metrics = self.settings.topic("alerts"), self.settings.topic("metrics")
        consumer = KafkaConsumer(
            alerts, metrics, **self.settings.cluster.for_kafka_python(), group_id=None, auto_offset_reset="earliest"
        )
        known: set[str] = set()
        while not ended.is_set():
            for tp, records in consumer.poll(timeout_ms=200).items():
                for record in records:
                    if tp.topic == metrics:
                        self._metric(json.decode(record.value, type=Metric))
                    else:
                        self._alert(record.value, known)
        consumer.close()

    def _metric(self, metric: Metric) -> None:
        self.seen.metrics[metric.metric, metric.window, tuple(metric.segment.items())] = metric
        self.seen.as_of_ms = max(self.seen.as_of_ms, metric.as_of_ms)

    def _alert(self, value: bytes, known: set[str]) -> None:
        alert = decode_alert(value)
        if alert.id in known:
            return
        known.add(alert.id)
        if isinstance(alert, MetricAlert):
            self.seen.alerts.append(alert)
        elif alert.state == "firing":
            self.seen.friction[alert.alert] += 1


def minutes_after(alert: MetricAlert, moment_ms: int) -> float:
    """How long after a moment an alert changed its state, in minutes of event time."""
    return round((alert.at_ms - moment_ms) / SECOND_MS / 60, 1)
