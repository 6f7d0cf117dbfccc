"""``make soak MINUTES=30``: a steady stream into two workers, and what they hold over time. Does anything grow?

Late, repeated and malformed events are in the stream; its customers are the same all the time, and an hour of theirs
passes in a minute, so that slices of ten seconds and minutes come and go. State is on disk: what grows in memory with
good reason are cells (days, hours) alone. After a quarter of the time, for warming up, each worker's memory, less
``CELL_BYTES`` for each cell more than then, must stay level: by the median slope of all pairs of samples (Theil and
Sen), so that neither a garbage collection nor a flush of the store decides.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

from agents.brokers import KafkaBroker
from tests.chaos.feed import Feed
from tests.chaos.story import tell
from tests.e2e.workers import Deployment, Worker

CELL_BYTES = 2_000
"""Of one cell in an index and in a board, with its counters: what a worker's memory was seen to grow by is less."""
MOST_GROWTH = 0.08
"""Of a worker's memory, over the time after warming up."""
MOST_HANDLES = 6
_SAMPLE_S = 5.0


@dataclass(frozen=True)
class Sample:
    """What one worker held at ``at_s``; ``cells`` are those of its states, ``series`` lines on /metrics."""

    at_s: float
    worker: int
    rss_mb: float
    files: int
    threads: int
    lag: int
    cells: int
    hot_mb: float
    series: int


def sample(worker: Worker, number: int, at_s: float) -> Sample:
    process, seen = Path(f"/proc/{worker.process.pid}"), worker.samples()

    def total(name: str) -> float:
        return sum(value for (of, _), value in seen.items() if of == name)

    return Sample(
        at_s=round(at_s, 1),
        worker=number,
        rss_mb=round(int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        files=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        lag=int(total("cx_lag_records")),
        cells=int(total("cx_cells")),
        hot_mb=round(total("cx_hot_bytes") / 1e6, 1),
        series=len(seen),
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median slope of all pairs.

    >>> slope([(0, 1.0), (1, 2.0), (2, 3.0), (3, 99.0)])
    1.5
    """
    return median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 > x1)


def growth(samples: Sequence[Sample]) -> dict[str, float]:
    """Of one worker, after warming up: megabytes that nothing explains, handles and threads more than at first."""
    settled = samples[len(samples) // 4 :]
    first, span_s = settled[0], settled[-1].at_s - settled[0].at_s
    unexplained = [(each.at_s, each.rss_mb - CELL_BYTES * (each.cells - first.cells) / 1e6) for each in settled]
    third = max(1, len(settled) // 3)
    return {
        "rss_mb": settled[-1].rss_mb,
        "grown_mb": round(slope(unexplained) * span_s, 1),
        "allowed_mb": round(MOST_GROWTH * median(each.rss_mb for each in settled), 1),
        "files": max(each.files for each in settled[-third:]) - max(each.files for each in settled[:third]),
        "threads": max(each.threads for each in settled[-third:]) - max(each.threads for each in settled[:third]),
    }


def complaints(grown: Iterable[dict[str, float]]) -> list[str]:
    found = []
    for number, each in enumerate(grown):
        if each["grown_mb"] > each["allowed_mb"]:
            found.append(f"worker {number} grew by {each['grown_mb']} MB, more than {each['allowed_mb']}")
        held = [of for of in ("files", "threads") if each[of] > MOST_HANDLES]
        found += [f"worker {number} holds {each[of]:g} more {of}" for of in held]
    return found


def soak(minutes: float, rate: float, folder: Path) -> list[list[Sample]]:
    """Samples of each worker. The stream lasts for so many minutes; the last sample is of when all is included."""
    story = tell(1, minutes, rate)
    customers = len({event["customer"] for event in story.events})
    _say(f"{len(story.records):,} records of {customers} customers, {dict(story.added)}")
    with KafkaBroker() as broker:
        running = Deployment(broker.bootstrap, folder, store="rocksdb")
        feed = Feed(broker.bootstrap, running.settings.topic("touchpoints"))
        try:
            running.start(2)
            thread = threading.Thread(target=feed.send, args=(story.records, 60 * minutes), daemon=True)
            began = time.monotonic()
            found: list[list[Sample]] = [[], []]
            thread.start()
            while thread.is_alive():
                thread.join(_SAMPLE_S)
                at_s = time.monotonic() - began
                for number, worker in enumerate(running.workers):
                    found[number].append(sample(worker, number, at_s))
                    if len(found[number]) % 12 == 1:
                        _say(_row(found[number][-1]))
            running.wait_until_read(len(story.records))
            return found
        finally:
            feed.close()
            running.stop()


def _row(of: Sample) -> str:
    return "  ".join(f"{name} {value:>8}" for name, value in asdict(of).items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=500.0, help="events per second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        samples = soak(given.minutes, given.rate, Path(folder))
    grown = [growth(each) for each in samples]
    wrong = complaints(grown)
    line = {"minutes": given.minutes, "workers": grown, "last": [asdict(each[-1]) for each in samples], "ok": not wrong}
    for each in wrong:
        _say(each)
    print(json.dumps(line))  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
