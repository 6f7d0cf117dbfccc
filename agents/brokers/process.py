"""A server process that ends no later than this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
KILLED_WITHIN_S = 10.0


class ServerProcess:
    """`command`, running in `home` and logging to `log_path`, from construction to `terminate` or `kill`.

    It has a session of its own, so that Ctrl-C at the terminal reaches only us and we stop it in order. The kernel
    counts the *thread* that forked as the parent it must not outlive (prctl(2), PR_SET_PDEATHSIG), hence a thread
    that stays for as long as the process does.
    """

    def __init__(self, command: Sequence[str], home: Path, log_path: Path) -> None:
        self._log_path = log_path
        self._parent = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"parent of {Path(command[0]).name}")
        try:
            self._process = self._parent.submit(_spawn, command, home, log_path).result()
        except BaseException:
            self._parent.shutdown()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def terminate(self, grace_s: float) -> None:
        """Ask it to end, and make it end after `grace_s` seconds."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """End it now, with whatever it started, as `kill -9` does."""
        self._signal(signal.SIGKILL)
        self._process.wait(KILLED_WITHIN_S)
        self._parent.shutdown()

    def log_tail(self, lines: int = 15) -> str:
        """The last `lines` lines of the log, as far as there is one."""
        try:
            with self._log_path.open(encoding="utf-8", errors="replace") as log:
                return "".join(deque(log, maxlen=lines)).rstrip()
        except OSError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        if self.running:  # not yet reaped, so the number can't belong to anybody else
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _spawn(command: Sequence[str], home: Path, log_path: Path) -> subprocess.Popen[bytes]:
    leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [*leash, *command],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
