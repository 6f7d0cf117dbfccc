"""Prometheus' own programs, as Debian's package `prometheus` has them; where they are missing, tests are skipped."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.e2e.workers import free_port


def program(name: str) -> str:
    """Where a program is."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}: install Debian's package prometheus")
    return path


def promtool(*arguments: str | Path, text: bytes = b"") -> tuple[int, str]:
    """How promtool ends, and what it says."""
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=120)
    return done.returncode, (done.stdout + done.stderr).decode()


class Prometheus:
    """A server on a port of its own. What it answers that is no success is an error."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **parameters: object) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=30) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def ask(self, query: str) -> list[Any]:
        """The series that an expression has now."""
        return list(self.get("/api/v1/query", query=query)["result"])

    def is_ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def serving(config: Path, data: Path) -> Iterator[Prometheus]:
    """A Prometheus with this configuration and folder of data, until it is no longer needed."""
    port, log = free_port(), data.parent / "prometheus.log"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=400d",
        "--enable-feature=exemplar-storage",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        running, end = Prometheus(port), time.monotonic() + 60
        while not running.is_ready():
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < end, "Prometheus is not ready"
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(30)
