"""The processes of a compose file, started and ended."""

import os
import re
import time
from pathlib import Path

from agents.brokers.process import ServerProcess
from deploy.stack import programs
from deploy.stack.checks import NotSoError
from deploy.stack.composed import Service, services
from deploy.stack.place import Place

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
STOPPED_WITHIN_S = 10.0
VARIABLES = {"SIMULATE_SPEED": "60"}
"""What compose lets be chosen, as it is here: an hour of customers in a minute."""


class Stack:
    """What is running of the services of docker-compose.yml, with so many ``workers``."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._workers = workers
        self._running: dict[tuple[str, int], ServerProcess] = {}
        self.services: dict[str, Service] = services(COMPOSE, os.environ | VARIABLES)
        self.place = Place(folder, self.services, {"worker": workers})

    def start(self, name: str) -> None:
        """Start all replicas of a service."""
        for replica in range(self._workers if name == "worker" else 1):
            self._running[name, replica] = programs.run(self.services[name], self.place, os.environ, replica)

    def sent(self) -> int:
        """How many records the simulator has sent.

        Raises:
            NotSoError: it has not ended, or it failed.
        """
        process = self._running["simulate", 0]
        if process.running:
            raise NotSoError("the simulator is still at it")
        log = process.log_tail(200)
        found = re.search(r"([\d,]+) records in", log)
        if found is None:
            raise NotSoError(f"the simulator ended with:\n{log}")
        return int(found[1].replace(",", ""))

    def ended(self) -> str | None:
        """Which process is no longer there that should be, with the end of its log."""
        for (name, replica), process in self._running.items():
            if name != "simulate" and not process.running:
                return f"{name} {replica + 1} has ended:\n{process.log_tail()}"
        return None

    def stop(self) -> dict[str, float]:
        """End everything, the broker last; how many seconds each took."""
        took = {}
        while self._running:
            (name, replica), process = self._running.popitem()
            start = time.monotonic()
            process.terminate(max(STOPPED_WITHIN_S, self.services[name].grace_s))
            took[f"{name} {replica + 1}"] = time.monotonic() - start
        return took
