"""A broker that runs as a child process of ours, and can be crashed and brought back."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agents.brokers.broker import Broker, BrokerError
from agents.brokers.ports import LOOPBACK, free_port
from agents.brokers.probe import wait_until_ready
from agents.brokers.process import ServerProcess


class LocalBroker(Broker):
    """A server process with a port and a home directory of its own.

    ```
    start ──► running ── kill ──► down, home kept ── start ──► running ── stop ──► gone, home deleted
                 └───── restart: stops in order, keeps the home, starts again ─────┘
    ```
    The port stays the same for the life of this object, so clients find a restarted broker again.
    """

    ready_within_s: ClassVar[float]
    stopped_within_s: ClassVar[float]

    def __init__(self) -> None:
        self._port = free_port()
        self.bootstrap = f"{LOOPBACK}:{self._port}"
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._process: ServerProcess | None = None

    @abstractmethod
    def _command(self, home: Path) -> Sequence[str]:
        """What to run. Prepares `home` for it, unless an earlier start did."""

    @property
    def pid(self) -> int | None:
        """The server's process id, while it runs."""
        return self._process.pid if self._process is not None and self._process.running else None

    @property
    def log_path(self) -> Path | None:
        return None if self._home is None else Path(self._home.name, "server.log")

    def start(self) -> None:
        if self.pid is not None:
            return
        reason = self.available()
        if reason is not None:
            raise BrokerError(f"the {self.name} broker can't run here: {reason}")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._halt()
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    def kill(self) -> None:
        """Crash it, as `kill -9` does; its home stays for the next `start`."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stop it in order and start it on the same port with what it kept on disk."""
        self._halt()
        self.start()

    def _halt(self) -> None:
        if self._process is not None:
            self._process.terminate(self.stopped_within_s)
            self._process = None

    def _launch(self) -> None:
        if self._home is None:
            self._home = tempfile.TemporaryDirectory(prefix=f"cxstream-{self.name}-", ignore_cleanup_errors=True)
        home = Path(self._home.name)
        process = ServerProcess(self._command(home), home, home / "server.log")
        self._process = process
        trouble = wait_until_ready(self.bootstrap, self.ready_within_s, lambda: process.running)
        if trouble is not None:
            raise BrokerError(
                f"the {self.name} broker at {self.bootstrap} didn't get ready: {trouble}. "
                f"Its log ends with:\n{process.log_tail()}"
            )
