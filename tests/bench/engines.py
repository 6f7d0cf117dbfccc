"""The small job in other engines: one process each, from a fresh group at the topic's start to its end."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import json

from tests.bench.load import Windows

JOBS = Path(__file__).with_name("jobs")
ROOT = Path(__file__).parents[2]


class JobError(Exception):
    """A job died, took too long, or came to another result than a plain loop."""


@dataclass(frozen=True)
class Engine:
    """How a job is run. ``events`` is what it gets through in a good ten seconds."""

    name: str
    command: Sequence[str]
    events: int


def _peer(script: str) -> Sequence[str]:
    """In an environment of its own: the peers pin what we do not."""
    run = ("run", "--isolated", "--only-group", "bench", "--quiet", "python")
    return ("sh", str(ROOT / "scripts" / "setup"), *run, str(JOBS / script))


def _java() -> Sequence[str]:
    return ("java", "-Xmx1g", "-cp", f"{_jars()}/*", str(JOBS / "KafkaStreamsJob.java"))


def _jars() -> Path:
    """Kafka Streams and what it needs, fetched once by Maven."""
    pom = JOBS / "pom.xml"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = base / "cxstream" / f"streams-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not home.is_dir():
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        unfinished = f"{home}.new"
        subprocess.run(["mvn", "-q", "-f", str(pom), copy, f"-DoutputDirectory={unfinished}"], check=True)
        Path(unfinished).rename(home)
    return home


def engines() -> list[Engine]:
    """All there are."""
    return [
        Engine("small", (sys.executable, "-m", "tests.bench.jobs.small"), 2_000_000),
        Engine("stock-faust", (sys.executable, str(JOBS / "stock_faust.py")), 60_000),
        Engine("quix", _peer("quix.py"), 300_000),
        Engine("bytewax", _peer("bytewax_job.py"), 2_000_000),
        Engine("kafka-streams", _java(), 2_000_000),
    ]


def run(
    engine: Engine, bootstrap: str, topic: str, events: int, expected: Windows, seconds: float = 300
) -> dict[str, Any]:
    """Run a job to its end; what it says of itself.

    Raises:
        JobError: it failed, or its windows are not the expected ones.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        result = Path(folder, "result.json")
        given = {
            "BOOTSTRAP": bootstrap,
            "TOPIC": topic,
            "EVENTS": str(events),
            "WARM": str(events // 4),
            "RESULT": str(result),
            "TMPDIR": folder,
        }
        done = subprocess.run(
            engine.command,
            check=False,
            cwd=ROOT,
            env=os.environ | given,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if not result.exists():
            raise JobError(f"{engine.name} came to no result: {(done.stdout + done.stderr)[-2000:]}")
        outcome: dict[str, Any] = json.decode(result.read_bytes())
    found = outcome.pop("windows")
    if found != expected:
        wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
        raise JobError(f"{engine.name} has {len(wrong)} of {len(expected)} windows wrong, such as {sorted(wrong)[:3]}")
    return outcome
