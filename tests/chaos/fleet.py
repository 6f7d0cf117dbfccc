"""The workers of a run: each at a place with a data directory and a way to the broker of its own, started again by
whoever runs them when they end."""

import os
import re
import signal
from collections import Counter
from pathlib import Path

from tests.chaos.cluster import ProxiedKafka
from tests.e2e.workers import Deployment, Worker

_FAULT = re.compile(r"^fault: ([\w-]+)$", re.MULTILINE)


class Fleet:
    """``wanted`` are the places where a worker is to run. ``happened`` counts how workers ended."""

    def __init__(self, deployment: Deployment, broker: ProxiedKafka, module: str, points: str) -> None:
        self._deployment, self._broker, self._module, self._points = deployment, broker, module, points
        self._running: dict[int, Worker] = {}
        self._killed: set[Worker] = set()
        self.wanted: set[int] = set()
        self.happened: Counter[str] = Counter()
        self.logs: list[Path] = []

    def keep(self) -> None:
        """Start what is wanted and does not run."""
        for place in range(len(self._broker.proxies)):
            worker = self._running.get(place)
            if worker is not None and worker.process.poll() is not None:
                self._ended(self._running.pop(place))
            if place in self.wanted and place not in self._running:
                self._start(place)

    def _start(self, place: int) -> None:
        environment = {"CXSTREAM_BOOTSTRAP": self._broker.address(place)}
        if self._points:
            seed = len(self.logs)  # not the same chances again after every restart
            environment["CXSTREAM_FAULTS"] = ",".join(f"{point}{seed}" for point in self._points.split(","))
        worker = self._running[place] = Worker(self._deployment, place, self._module, environment)
        self.logs.append(worker.log)

    def _ended(self, worker: Worker) -> None:
        if worker in self._killed:
            return
        found = _FAULT.findall(worker.log.read_text(errors="replace"))
        code = worker.process.returncode
        self.happened[found[-1] if found else "stopped" if code == 0 else f"exit {code}"] += 1

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
                worker.process.kill()
            worker.process.wait()
        self._running.clear()
