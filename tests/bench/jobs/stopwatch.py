"""What a job in Python tells the benchmark: when its first events were over, when all were, and what it made of them.

Needs nothing but Python: jobs run in environments of their own. The environment has BOOTSTRAP, TOPIC, EVENTS (how many
the topic holds), WARM (how many of them are not measured) and RESULT (the file for the outcome).
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

BOOTSTRAP = os.environ["BOOTSTRAP"]
TOPIC = os.environ["TOPIC"]
EVENTS, WARM = int(os.environ["EVENTS"]), int(os.environ["WARM"])
_marks: list[tuple[float, float]] = []
_seen = 0


def count(number: int = 1) -> bool:
    """Count events; True once all are there."""
    global _seen
    before, _seen = _seen, _seen + number
    if before < WARM <= _seen:
        _mark()
    return before < EVENTS <= _seen


def finish(windows: Mapping[tuple[str, int], tuple[int, int]] | Callable[[], Mapping]) -> None:
    """All events are in ``windows``: sum and count of scores by key and minute."""
    _mark()
    found = windows() if callable(windows) else windows
    (wall, cpu), (end, spent) = _marks
    outcome = {
        "events": EVENTS - WARM,
        "seconds": end - wall,
        "cpu_seconds": spent - cpu,
        "peak_mib": int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0]) / 1024,
        "windows": {f"{key}|{minute}": [round(total), n] for (key, minute), (total, n) in found.items()},
    }
    unfinished = Path(os.environ["RESULT"] + ".new")
    unfinished.write_text(json.dumps(outcome))
    unfinished.rename(os.environ["RESULT"])


def _mark() -> None:
    _marks.append((time.time(), time.process_time()))
