"""The full job: one worker of the product over touchpoints that wait on its topic, with durable state."""

import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from msgspec import json

from agents import topics
from agents.cluster import Cluster
from tests.bench.engines import JobError
from tests.bench.load import Pair, fill
from tests.e2e.workers import Deployment, deployment

_TICKS = 100
_ROOT = Path(__file__).parents[2]


def can_compile() -> bool:
    """Whether there is a C compiler, with what it needs of Python."""
    return bool(shutil.which("cc")) and Path(sysconfig.get_path("include"), "Python.h").exists()


def compiled(folder: Path) -> Mapping[str, str]:
    """The environment of a worker whose core is compiled, into a folder."""
    subprocess.run(["sh", str(_ROOT / "scripts" / "compiled"), str(folder)], check=True)
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def run(
    bootstrap: str,
    folder: Path,
    pairs: Iterable[Pair],
    workers: int = 1,
    environment: Mapping[str, str] = {},
    module: str = "agents.cli",
    **settings: object,
) -> dict[str, Any]:
    """What the workers did, from a quarter of the events to all of them; ``pairs`` are touchpoints, each sent once.

    Raises:
        JobError: they counted another number of touchpoints than were sent.
    """
    with deployment(bootstrap, folder, 0, **settings) as running:
        sent = fill(bootstrap, running.settings.topic("touchpoints"), pairs)
        running.start(workers, environment, module)
        with topics.admin(Cluster(bootstrap)) as client:
            first, last = _wait(running, client, sent / 4), _wait(running, client, sent)
        if (counted := _counted(running)) != sent:
            raise JobError(f"the full job counted {counted} of {sent} touchpoints")
        status = [Path(f"/proc/{worker.process.pid}/status").read_text() for worker in running.workers]
        return {
            "events": last[0] - first[0],
            "seconds": last[1] - first[1],
            "cpu_seconds": last[2] - first[2],
            "peak_mib": sum(int(re.findall(r"VmHWM:\s*(\d+)", each)[0]) for each in status) / 1024,
        }


def _counted(running: Deployment) -> int:
    """Touchpoints in all cells of the simulated day."""
    asked = ("--from", "2026-03-20", "--to", "2026-03-21", "--metric", "touchpoints", "--format", "json")
    command = (sys.executable, "-m", "agents.cli", "metrics", *asked, "--settings", str(running.file))
    (found,) = json.decode(subprocess.run(command, check=True, capture_output=True, cwd=_ROOT).stdout)
    return int(found["value"])


def _wait(running: Deployment, client: KafkaAdminClient, events: float) -> tuple[int, float, float]:
    """When the states include so many: how many they are, the time, and the CPU time of the workers."""
    before = running.included_by(client)
    while True:
        included = running.included_by(client)
        if included != before and included >= events:  # as it is committed, not some time after
            return included, time.monotonic(), sum(_cpu_seconds(worker.process.pid) for worker in running.workers)
        before = included
        time.sleep(0.1)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
