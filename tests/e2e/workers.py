"""Worker processes of a test, on a broker: started, waited for, killed, and read over HTTP."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from kafka import KafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from agents import topics
from agents.settings import Settings, load


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Worker:
    """One `cxstream worker` process; ``environment`` goes over the deployment's settings."""

    def __init__(
        self, deployment: "Deployment", number: int, module: str = "agents.cli", environment: Mapping[str, str] = {}
    ) -> None:
        self.port = free_port()
        self.log = deployment.folder / f"worker-{number}-{self.port}.log"
        command = [sys.executable, "-m", module, "worker", "--settings", str(deployment.file)]
        own = {"CXSTREAM_PORT": str(self.port), "CXSTREAM_DATA_DIR": f"{deployment.folder}/{number}"}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **own, **environment})

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def answer(self, path: str) -> tuple[int, str]:
        """Status code and body."""
        try:
            return 200, self.get(path)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_ready(self) -> bool:
        try:
            return json.loads(self.get("/readyz")) == {"status": "ok"}
        except OSError:
            return False

    def trouble(self, path: str = "/healthz") -> str:
        """What the worker says is wrong; nothing where all is well."""
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        return ""

    def samples(self, of: str = "cx_") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """What is on /metrics by name and labels, of names that begin with ``of``: parsing all takes a second."""
        told = "\n".join(line for line in self.get("/metrics").splitlines() if line.startswith(of))
        families = text_string_to_metric_families(f"{told}\n")
        return {
            (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v))): sample.value
            for family in families
            for sample in family.samples
        }

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)


class Deployment:
    """Settings, topics and the workers of one application."""

    def __init__(self, bootstrap: str, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.file = folder / "cxstream.yaml"
        name = f"{re.sub(r'[^a-z0-9]+', '-', folder.name)}-{secrets.token_hex(3)}"
        given = {"bootstrap": bootstrap, "id": name, "prefix": f"{name}.", "session_seconds": 6, "host": "127.0.0.1"}
        self.file.write_text(yaml.safe_dump(given | settings))
        self.settings: Settings = load(self.file, environment={})
        self.workers: list[Worker] = []
        self.ended: list[Worker] = []
        self.started = 0
        topics.ensure(self.settings)

    def start(self, number: int = 1, environment: Mapping[str, str] = {}, module: str = "agents.cli") -> None:
        for _ in range(number):
            self.workers.append(Worker(self, self.started, module, environment))
            self.started += 1
        self.wait(lambda: all(worker.is_ready() for worker in self.workers), "workers are ready")

    def wait(self, condition: object, what: str, seconds: float = 90) -> None:
        """Until a condition holds; the workers' logs are in the error when it does not."""
        end = time.monotonic() + seconds
        while not condition():  # type: ignore[operator]
            for worker in self.workers:
                assert worker.process.poll() is None, f"a worker died: {worker.log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"not so in {seconds} s: {what}. {self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(f"{worker.log}: {worker.log.read_text()[-2000:]}" for worker in self.workers)

    def wait_until_read(self, records: int, seconds: float = 120) -> None:
        """Until the states include `records` touchpoints records, and all cells that follow from them."""

        def read() -> bool:
            return self.lag() == 0 and self.included() >= records

        self.wait(read, f"{records} records are included", seconds)
        time.sleep(1.5)  # cells, then a round of metrics, follow within a second
        self.wait(read, "cells are included", seconds)

    def lag(self) -> float | None:
        """Records of `touchpoints` and `cells` that are not included yet; None while a partition has no owner."""
        samples = [sample for worker in self.workers for sample in worker.samples("cx_lag_records").items()]
        lag = [value for (name, _), value in samples if name == "cx_lag_records"]
        return sum(lag) if len(lag) == 2 * self.settings.partitions else None

    def included(self) -> int:
        """Records of `touchpoints` that the states include, from the committed offsets."""
        with topics.admin(self.settings.cluster) as client:
            return self.included_by(client)

    def included_by(self, client: KafkaAdminClient) -> int:
        """The same, asked by a client that is there already."""
        topic = self.settings.topic("touchpoints")
        offsets = _flat(client.list_group_offsets([self.settings.id]))
        return sum(max(0, at.offset) for tp, at in offsets if tp.topic == topic)

    def total(self, name: str) -> float:
        """A counter, over all workers and labels."""
        return sum(v for worker in self.workers for (sample, _), v in worker.samples(name).items() if sample == name)

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()


def _flat(offsets: dict) -> Iterator[tuple]:
    for key, value in offsets.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield key, value


@contextmanager
def deployments(bootstrap: str, folder: Path) -> Iterator[Callable[..., Deployment]]:
    """Starts a deployment by name, with so many workers and these settings, as often as it is called."""
    with ExitStack() as stack:

        def run(name: str, workers: int, **settings: object) -> Deployment:
            own = folder / name
            own.mkdir()
            return stack.enter_context(deployment(bootstrap, own, workers, **settings))

        yield run


@contextmanager
def deployment(bootstrap: str, folder: Path, workers: int, **settings: object) -> Iterator[Deployment]:
    running = Deployment(bootstrap, folder, **settings)
    try:
        running.start(workers)
        yield running
    finally:
        running.stop()
