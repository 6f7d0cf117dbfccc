"""``python -m tests.bench.growth``: what a touchpoint costs as the job grows, in one way at a time.

One line of JSON for each point; ``--pictures`` draws a curve for each way into a folder. Costs are CPU time of all
workers for each touchpoint, after the warm-up: the least of several rounds through the points of a way, for other work
on the machine only adds to it. The ratio is to the first point of the same way.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
import yaml

from agents.brokers import open_broker
from tests.bench import full, latency
from tests.bench.load import Pair, touchpoints

EVENTS = 500_000
ROOT = Path(__file__).parents[2]
LENGTHS = ["1h", "1m", "5m", "15m", "1d", "7d", "30d", "day", "week", "month", "30s", "2m", "3m", "10m", "20m", "30m"]
LENGTHS += ["40m", "45m", "50m", "90m", "2h", "3h", "6h", "12h", "36h", "48h", "2d", "3d", "14d", "60d"]
PRODUCTS = 50


@dataclass(frozen=True)
class Point:
    """One run of the full job."""

    events: int = EVENTS
    customers: int = 50_000
    workers: int = 1
    spoil: Callable[[Iterator[Pair]], Iterator[Pair]] = lambda pairs: pairs
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None


def _with_products(number: int) -> Callable[[Iterator[Pair]], Iterator[Pair]]:
    """So many products in turn."""

    def spoil(pairs: Iterator[Pair]) -> Iterator[Pair]:
        names = cycle(range(number))
        for key, value, time_ms in pairs:
            yield key, orjson.dumps(orjson.loads(value) | {"product": f"p{next(names)}"}), time_ms

    return spoil


def _of_size(size: int) -> Callable[[Iterator[Pair]], Iterator[Pair]]:
    """About so many bytes each."""

    def spoil(pairs: Iterator[Pair]) -> Iterator[Pair]:
        for key, value, time_ms in pairs:
            more = {f"l{number}": "x" * 100 for number in range(max(0, size - len(value)) // 108)}
            yield key, orjson.dumps(orjson.loads(value) | {"labels": more}), time_ms

    return spoil


def _rules(number: int, folder: Path) -> str:
    """A file of so many rules, over all products."""
    rules = [
        {
            "alert": f"R{n}",
            "metric": "touchpoints",
            "window": "15m",
            "above": 10**6,
            "where": {"product": f"p{n % PRODUCTS}"},
        }
        for n in range(number)
    ]
    file = folder / f"rules-{number}.yaml"
    file.write_text(yaml.safe_dump({"rules": rules}))
    return str(file)


def ways(folder: Path) -> Mapping[str, Mapping[int, Point]]:
    """The points of each way to grow."""
    million = {10_000: EVENTS, 100_000: EVENTS, 1_000_000: 2_000_000}
    return {
        "customers": {n: Point(events, n, settings={"store": "rocksdb"}) for n, events in million.items()},
        "windows": {n: Point(settings={"windows": LENGTHS[:n], "rules": _rules(0, folder)}) for n in (1, 10, 30)},
        "rules": {
            n: Point(spoil=_with_products(PRODUCTS), settings={"rules": _rules(n, folder)}) for n in (1, 10, 100, 1_000)
        },
        "segments": {
            n: Point(spoil=_with_products(n), settings={"max_segments": 20_000}) for n in (10, 100, 1_000, 10_000)
        },
        "batch": {n: Point(batch=n) for n in (100, 1_000, 10_000)},
        "workers": {n: Point(events=2 * EVENTS, workers=n) for n in (1, 2)},
        "bytes": {n: Point(spoil=_of_size(n)) for n in (300, 1_000, 4_000)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="growth", description=__doc__)
    parser.add_argument("--only", default="customers,windows,rules,segments,batch,workers,bytes,load")
    parser.add_argument("--rounds", type=int, default=2, help="how often each point is measured")
    parser.add_argument("--pictures", type=Path, help="a folder for the curves")
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    with open_broker("kafka") as broker, tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        for way, points in ways(folder).items():
            if way in given.only.split(","):
                costs: dict[int, list[dict[str, Any]]] = {at: [] for at in points}
                for at, point in [*points.items()] * given.rounds:
                    costs[at].append(_cost(broker.bootstrap, folder, point))
                for at, measured in costs.items():
                    found.append(_say(found, way, at, min(measured, key=itemgetter("cpu_us"))))
        for load in (1_000, 5_000, 10_000, 20_000) if "load" in given.only.split(",") else ():
            found.append(_say(found, "load", load, latency.run(broker.bootstrap, folder, load)))
    if given.pictures:
        _draw(found, given.pictures)


def _cost(bootstrap: str, folder: Path, point: Point) -> dict[str, Any]:
    pairs = point.spoil(touchpoints(point.events, point.customers))
    sized = {} if point.batch is None else {"CXSTREAM_BENCH_BATCH": str(point.batch)}
    module = "agents.cli" if point.batch is None else "tests.bench.sized"
    done = full.run(bootstrap, folder, pairs, point.workers, sized, module, **point.settings)
    return {
        "events_per_second": round(done["events"] / done["seconds"]),
        "cpu_us": round(done["cpu_seconds"] / done["events"] * 1e6, 2),
        "peak_mib": round(done["peak_mib"]),
    }


def _say(found: Sequence[Mapping[str, Any]], way: str, at: int, figures: dict[str, Any]) -> dict[str, Any]:
    first = next((each for each in found if each["way"] == way), None)
    if "cpu_us" in figures:
        figures["ratio"] = round(figures["cpu_us"] / first["cpu_us"], 2) if first else 1.0
    line = {"way": way, "at": at, **figures}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    return line


def _draw(found: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """With matplotlib, from the environment of the other engines."""
    run = (
        "run",
        "--isolated",
        "--only-group",
        "bench",
        "--quiet",
        "python",
        "tests/bench/jobs/pictures.py",
        str(folder),
    )
    subprocess.run(["sh", "scripts/setup", *run], cwd=ROOT, input=json.dumps(found), text=True, check=True)


if __name__ == "__main__":
    main()
