"""A stage for dashboards: two workers and a desk on Kafka, 66 days of simulated customers, and a real Prometheus.

Prometheus cannot be waited for to see weeks. So the workers are asked for their metrics twice on the way, when
event time has come to 30 days and to a day before now, and what they answer then goes into Prometheus'
storage for these moments; the rest it scrapes itself.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path

import yaml
from msgspec.structs import replace

from agents.simulator import Population, Record, browse, disturb, encode
from deploy.prometheus.comparison import COMPARED
from schemas.touchpoint import Touchpoint
from stream.slices import DAY_MS, MINUTE_MS
from tests.agents.desk.receiver import receiver
from tests.deploy.prometheus import Prometheus, promtool, serving
from tests.e2e.test_commands import cxstream
from tests.e2e.traffic import send
from tests.e2e.workers import Deployment, deployment, free_port

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules"
SEGMENTS = [["channel"], ["region"], ["segment"], ["product"], ["team"], ["channel", "region"]]
STOPS_MS = (30 * DAY_MS, DAY_MS)
_ALERTS = """rules:
  - {alert: Busy, metric: touchpoints, window: 30d, above: 1, severity: info}
  - {alert: Detractors, metric: nps_score, window: 30d, below: 100, severity: warning}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running."""

    workers: Deployment
    prometheus: Prometheus


@contextmanager
def staged(bootstrap: str, folder: Path) -> Iterator[Stage]:
    """Set the stage, and clear it away."""
    (folder / "alerts.yaml").write_text(_ALERTS)
    given = {
        "segments": SEGMENTS,
        "windows": ["1h", "1d", "7d", "30d", "day"],
        "rules": str(folder / "alerts.yaml"),
        "time_zone": _zone(),
        "exemplars": "customer",
        "escalate": {"info": "1s"},
    }
    with (
        receiver() as crm,
        deployment(bootstrap, folder, 2, outlets=[{"name": "crm", "url": crm.url}], **given) as workers,
        _desk(workers) as desk_port,
    ):
        now_ms = round(time.time() * 1000)
        records = list(_records(now_ms))
        told = [line for before_ms in STOPS_MS for line in _until(now_ms - before_ms, workers, records)]
        with serving(_config(workers, desk_port, folder), _storage(folder, told)) as prometheus:
            workers.wait(lambda: prometheus.ask("count(count_over_time(up[1m]) > 2) == 3"), "all are scraped")
            read_on(workers, records)
            workers.wait(lambda: _takes_on(workers, "Detractors"), "the alert is there to be taken on")
            workers.wait(lambda: _is_watched(prometheus), "Prometheus has evaluated its rules")
            yield Stage(workers, prometheus)


@contextmanager
def _desk(workers: Deployment) -> Iterator[int]:
    """A desk of the same deployment, by its port."""
    port, log = free_port(), workers.folder / "desk.log"
    command = [sys.executable, "-m", "agents.cli", "desk", "--settings", str(workers.file), "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _takes_on(workers: Deployment, alert: str) -> bool:
    """Acknowledge an alert, once it is open."""
    settings = ("--settings", str(workers.file))
    told = json.loads(cxstream("alerts", *settings, "--format", "json").stdout or "{}")
    found = [each["fingerprint"] for each in told.get("firing", ()) if each["alert"] == alert]
    return bool(found) and cxstream("alerts", "ack", found[0], "--by", "ann", *settings).returncode == 0


def _zone() -> str:
    """Where it is not just after midnight, when nobody has been there today."""
    return "UTC" if datetime.now(UTC).hour >= 3 else "Asia/Dhaka"


def read_on(workers: Deployment, records: Sequence[Record]) -> None:
    """Send more, and wait until all that was sent so far is read."""
    before = workers.included()
    workers.wait_until_read(before + send(workers, records))


def _until(until_ms: int, workers: Deployment, records: list[Record]) -> Iterator[str]:
    """Let the workers read up to a moment; what they tell then."""
    read_on(workers, [each for each in records if each.time_ms < until_ms])
    records[:] = [each for each in records if each.time_ms >= until_ms]
    yield from _told(workers, until_ms)


def _storage(folder: Path, told: Iterable[str]) -> Path:
    """A folder of Prometheus that has what was told."""
    data, history = folder / "prometheus", folder / "history.om"
    data.mkdir()
    history.write_text("".join([*told, "# EOF\n"]))
    code, said = promtool("tsdb", "create-blocks-from", "openmetrics", history, data)
    assert code == 0, said
    return data


def _told(workers: Deployment, at_ms: int) -> Iterator[str]:
    """What is compared with now, as it was at a moment, and for the minutes after it that the test may take."""
    for worker in workers.workers:
        for (name, labels), value in worker.samples().items():
            if name in COMPARED:
                pairs = (("job", "cxstream"), ("instance", f"127.0.0.1:{worker.port}"), *labels)
                of = ",".join(f'{label}="{text}"' for label, text in pairs)
                for minute in range(-2, 20, 2):
                    yield f"{name}{{{of}}} {value} {(at_ms + minute * MINUTE_MS) / 1000}\n"


def _records(now_ms: int) -> Iterator[Record]:
    """Customers who stay, who leave and come back, and who are new; some records are repeated or spoilt."""
    stay = browse(Population(5, 200, now_ms - 66 * DAY_MS, 66 * DAY_MS, 0.006), 5, 0.2)
    leave = Population(6, 120, now_ms - 66 * DAY_MS, 20 * DAY_MS, 0.004)
    return_ = Population(6, 120, now_ms - 10 * DAY_MS, 10 * DAY_MS, 0.002)
    new = Population(7, 150, now_ms - 20 * DAY_MS, 20 * DAY_MS, 0.006)
    groups = (stay, _named("l", leave), _named("l", return_), _named("n", new))
    events = merge(*groups, key=lambda event: event.time_ms)
    return disturb(encode(events), seed=3, duplicates=0.01, malformed=0.01)


def _named(prefix: str, events: Population) -> Iterator[Touchpoint]:
    """Populations name their customers alike."""
    return (replace(event, customer=f"{prefix}-{event.customer}") for event in events)


def _config(workers: Deployment, desk_port: int, folder: Path) -> Path:
    """As deploy/prometheus/prometheus.yml, but more often, and for these workers and their desk."""
    ports = {"cxstream": [worker.port for worker in workers.workers], "cxstream-desk": [desk_port]}
    jobs = {job: [{"targets": [f"127.0.0.1:{port}" for port in of]}] for job, of in ports.items()}
    path = folder / "prometheus.yml"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{RULES}/*.yml"],
        "scrape_configs": [{"job_name": job, "static_configs": targets} for job, targets in jobs.items()],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def _is_watched(prometheus: Prometheus) -> bool:
    return all(
        prometheus.ask(query)
        for query in (
            "sum(rate(cx_commit_seconds_count[1m])) > 0",
            "job:cx_catch_up_seconds:estimate",
            "sum(increase(cx_alert_acknowledgement_seconds_count[10m])) > 0",
            "sum(increase(cx_outlet_sent_total[10m])) > 0",
            "job:cx_touchpoints_rejected:ratio_rate5m",
            'cut_window:cx_nps_score:delta{window="1d",cut="total"}',
        )
    )
