"""The workers of a run: each at a place with a data directory and a way to the broker of its own, started again by
whoever runs them when they end."""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

from tests.chaos.cluster import ProxiedKafka
from tests.chaos.faults import SESSION_S
from tests.e2e.workers import Deployment, Worker

_FAULT = re.compile(r"^fault: (\w+ [\w-]+)$", re.MULTILINE)
_STOPPED_S = 2.0 * SESSION_S


class Fleet:
    """``wanted`` are the places where a worker is to run. ``happened`` counts how workers ended."""

    def __init__(self, deployment: Deployment, broker: ProxiedKafka, module: str, points: str) -> None:
        self._deployment, self._broker, self._module, self._points = deployment, broker, module, points
        self._running: dict[int, Worker] = {}
        self._killed: set[Worker] = set()
        self._stopped_at: dict[Worker, float] = {}
        self.wanted: set[int] = set()
        self.happened: Counter[str] = Counter()
        self.logs: list[Path] = []

    def keep(self) -> None:
        """Start what is wanted and does not run; wake whoever has been stopped for longer than its session."""
        for place in range(len(self._broker.proxies)):
            worker = self._running.get(place)
            if worker is not None and worker.process.poll() is not None:
                self._ended(self._running.pop(place))
            elif worker is not None:
                self._wake(worker)
            if place in self.wanted and place not in self._running:
                self._start(place)

    def _wake(self, worker: Worker) -> None:
        state = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state != "T":
            self._stopped_at.pop(worker, None)
        elif time.monotonic() - self._stopped_at.setdefault(worker, time.monotonic()) > _STOPPED_S:
            worker.process.send_signal(signal.SIGCONT)

    def _start(self, place: int) -> None:
        environment = {"CXSTREAM_BOOTSTRAP": self._broker.address(place)}
        if self._points:
            seed = len(self.logs)  # not the same chances again after every restart
            environment["CXSTREAM_FAULTS"] = ",".join(f"{point}{seed}" for point in self._points.split(","))
        worker = self._running[place] = Worker(self._deployment, place, self._module, environment)
        self.logs.append(worker.log)

    def _ended(self, worker: Worker) -> None:
        found = _FAULT.findall(worker.log.read_text(errors="replace"))
        self.happened.update(found)
        if worker not in self._killed and not any(fault.startswith("kill") for fault in found):
            self.happened[f"exit {worker.process.returncode}"] += 1

    def alive(self, place: int) -> int:
        """The place itself if a worker runs there, or else the next where one does."""
        places = [(place + step) % len(self._broker.proxies) for step in range(len(self._broker.proxies))]
        running = [p for p in places if p in self._running and self._running[p].process.poll() is None]
        return running[0] if running else place

    def kill(self, place: int) -> bool:
        """`kill -9`, if there is a worker."""
        worker = self._running.get(place)
        if worker is None or worker.process.poll() is not None:
            return False
        self._killed.add(worker)
        worker.process.kill()
        worker.process.wait()
        return True

    def signal(self, place: int, number: signal.Signals) -> bool:
        """Stop or wake a worker, if there is one."""
        worker = self._running.get(place)
        if worker is None or worker.process.poll() is not None:
            return False
        os.kill(worker.process.pid, number)
        return True

    def remove(self, place: int) -> None:
        """Ask a worker to end, in order; it is not wanted any more."""
        self.wanted.discard(place)
        self.signal(place, signal.SIGTERM)

    def end(self) -> None:
        """End all workers now."""
        self.wanted.clear()
        for place, worker in self._running.items():
            self.signal(place, signal.SIGCONT)
            if worker.process.poll() is None:
                self._killed.add(worker)
                worker.process.kill()
            worker.process.wait()
            self._ended(worker)
        self._running.clear()
