"""Fault points: places in the code where a test may have the worker killed, as `kill -9` does, or stopped.

Off unless CXSTREAM_FAULTS says what is to happen how often, such as ``kill:after-output:0.01:7``: with the seed 7, one
time in a hundred between a batch's output and its state. Several are joined by commas. Who stops a worker (``stop``)
must wake it with SIGCONT: it goes on from that point as if nothing had happened.
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
    "windows-before-state",
    "windows-after-state",
    "windows-after-store",
    "windows-after-alerts",
    "desk-before-open",
    "desk-after-open",
    "desk-after-escalation",
    "outlet-before-delivery",
    "outlet-after-delivery",
    "outlet-after-told",
)
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
Point = Callable[[str], None]
Befall = Callable[[str, str], None]


def _nothing(point: str) -> None:
    """Faults are off."""


def parse(text: str, befall: Befall) -> Point:
    """What to call at each point; ``befall`` is called with the kind of fault and the point when chance has it.

    >>> at = parse("kill:after-output:1:7", print)
    >>> at("after-output"); at("after-state")
    kill after-output
    """
    if not text:
        return _nothing
    faults: dict[str, list[tuple[str, float, Random]]] = {point: [] for point in POINTS}
    for part in text.split(","):
        kind, point, chance, seed = part.split(":")
        if point not in POINTS or kind not in SIGNALS:
            raise ValueError(f"{VARIABLE}: `{part}` does not name one of {', '.join(SIGNALS)} and {', '.join(POINTS)}")
        faults[point].append((kind, float(chance), Random(f"{seed} {kind} {point}")))

    def at(point: str) -> None:
        for kind, chance, random in faults[point]:
            if random.random() < chance:
                befall(kind, point)

    return at


def _befall(kind: str, point: str) -> None:
    sys.stderr.write(f"fault: {kind} {point}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), SIGNALS[kind])


fault_point = parse(os.environ.get(VARIABLE, ""), _befall)
"""Called with the name of the place; does nothing where faults are off."""
