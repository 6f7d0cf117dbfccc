"""The full job: one worker of the product over touchpoints that wait on its topic, with durable state."""

import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.engines import JobError
from tests.bench.load import fill, touchpoints
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
    events: int,
    customers: int = 50_000,
    environment: Mapping[str, str] = {},
    **settings: object,
) -> dict[str, Any]:
    """What one worker did, from a quarter of the events to all of them.

    Raises:
        JobError: it counted another number of touchpoints than were sent.
    """
    with deployment(bootstrap, folder, 0, **settings) as running:
        sent = fill(bootstrap, running.settings.topic("touchpoints"), touchpoints(events, customers))
        running.start(1, environment)
        first, last = _wait(running, sent / 4), _wait(running, sent)
        worker = running.workers[0]
        counted = running.total("cx_touchpoints_folded_total")
        if counted != sent:
            raise JobError(f"the full job counted {counted} of {sent} touchpoints")
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        return {
            "events": last[0] - first[0],
            "seconds": last[1] - first[1],
            "cpu_seconds": last[2] - first[2],
            "peak_mib": int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) / 1024,
        }


def _wait(running: Deployment, events: float) -> tuple[int, float, float]:
    """When the states include so many: how many they are, the time, and the CPU time of the worker."""
    pid, before = running.workers[0].process.pid, running.included()
    while True:
        included = running.included()
        if included != before and included >= events:  # as it is committed, not some time after
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return included, time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICKS
        before = included
        time.sleep(0.1)
