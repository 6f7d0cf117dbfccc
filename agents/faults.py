"""Fault points: places in the code where a test may have the worker killed, as `kill -9` does.

Off unless CXSTREAM_FAULTS says how likely each is, such as ``after-output:0.01:7``: with the seed 7, one time in a
hundred between a batch's output and its state. Several are joined by commas.
"""

import os
import signal
import sys
from collections.abc import Callable
from random import Random

VARIABLE = "CXSTREAM_FAULTS"
POINTS = (
    "after-output",
    "after-state",
    "after-store",
    "mid-rebalance",
    "windows-after-state",
    "windows-after-store",
    "windows-after-alerts",
)
Kill = Callable[[str], None]


def _nothing(point: str) -> None:
    """Faults are off."""


def parse(text: str, kill: Kill) -> Kill:
    """What to call at each point; ``kill`` is called with its name when chance has it.

    >>> hit = parse("after-output:1:7", print)
    >>> hit("after-output"); hit("after-state")
    after-output
    """
    if not text:
        return _nothing
    dice: dict[str, tuple[float, Random]] = {}
    for part in text.split(","):
        point, chance, seed = part.split(":")
        if point not in POINTS:
            raise ValueError(f"{VARIABLE}: there is no fault point {point!r}, only {', '.join(POINTS)}")
        dice[point] = (float(chance), Random(f"{seed} {point}"))

    def at(point: str) -> None:
        chance, random = dice.get(point, (0.0, None))
        if random is not None and random.random() < chance:
            kill(point)

    return at


def _kill(point: str) -> None:
    sys.stderr.write(f"fault: {point}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


fault_point = parse(os.environ.get(VARIABLE, ""), _kill)
"""Called with the name of the place; does nothing where faults are off."""
