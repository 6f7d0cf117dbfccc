"""The whole stack of docker-compose.yml without containers, and whether it works: ``python -m deploy.stack``.

Each service is a process with the command, the settings and the files that compose gives it; only addresses are ports
of the loopback interface, and paths are in a folder of its own.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from deploy.stack import programs
from deploy.stack.checks import Check, Checks, NotSoError
from deploy.stack.stack import STOPPED_WITHIN_S, Stack

WORKERS = 2
STARTED = ("kafka", "worker", "desk", "alertmanager", "prometheus")
LEFT_OUT = {"grafana": "no package of Debian has it; what its panels ask is asked by the tests in tests/deploy"}
_PATIENCE_S = 0.5


class FailedError(Exception):
    """Something is not as it must be."""


def main() -> int:
    """Run it; 0 where all that is checked is so."""
    parser = argparse.ArgumentParser(prog="make stack", description="docker-compose.yml without containers, checked")
    parser.add_argument("--stay", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("--folder", type=Path, help="leave logs and data in this folder, a new one")
    given = parser.parse_args()
    if lacking := programs.missing():
        sys.stderr.write("".join(f"stack: {each}\n" for each in lacking))
        return 1
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="cxstream-stack-") as own:
        return _whole((given.folder or Path(own)).resolve(), given.stay)


def _whole(folder: Path, stay: bool) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(folder, WORKERS)
    try:
        _run(stack)
        if stay:
            _say("·", "it stays until Ctrl-C", f"logs are in {folder}/*/log")
            while (ended := stack.ended()) is None:
                time.sleep(_PATIENCE_S)
            raise FailedError(ended)
    except FailedError as error:
        _say("✗", str(error), "")
        return 1
    except KeyboardInterrupt:
        _say("·", "stopping", "")
    finally:
        took = stack.stop()
    slow = [f"{name} took {seconds:.0f} s" for name, seconds in took.items() if seconds > STOPPED_WITHIN_S]
    longest = max(took.values(), default=0.0)
    _say("✗" if slow else "✓", "all end when they are asked to", ", ".join(slow) or f"each within {longest:.1f} s")
    return 1 if slow else 0


def _run(stack: Stack) -> None:
    checks = Checks(stack.place, WORKERS)
    for name in STARTED:
        stack.start(name)
        if name == "kafka":
            _check(checks.broker(), stack)
    _check(checks.start(), stack)
    stack.start("simulate")
    _check(checks.with_customers(stack.sent), stack)
    for name, why in LEFT_OUT.items():
        if name in stack.services:
            _say("·", f"{name} is left out", why)


def _check(checks: Iterable[Check], stack: Stack) -> None:
    for check in checks:
        _say("✓", check.what, _seen(check, stack))


def _seen(check: Check, stack: Stack) -> str:
    """What a check sees at last.

    Raises:
        FailedError: what is to be seen was not, within the check's seconds.
    """
    end = time.monotonic() + check.seconds
    while True:
        try:
            return check.look()
        except NotSoError as error:
            ended = stack.ended()
            if ended is not None or time.monotonic() > end:
                raise FailedError(f"{check.what}: {ended or error}") from None
        time.sleep(_PATIENCE_S)


def _say(mark: str, what: str, seen: str) -> None:
    sys.stdout.write(f"{mark} {what:<58} {seen}\n".rstrip(" ") if seen else f"{mark} {what}\n")
    sys.stdout.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
