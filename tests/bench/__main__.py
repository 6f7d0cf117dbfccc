"""``make bench``: the full job, the small job in five engines, the limits and the latency, on one Apache Kafka."""

import argparse
import sys
import tempfile
from pathlib import Path

from agents.brokers import open_broker
from tests.bench import full, latency, limits
from tests.bench.engines import engines, run
from tests.bench.load import Windows, fill, small, touchpoints, windows
from tests.bench.measure import Measure, measured

FULL_EVENTS = 800_000
LOAD = 10_000
"""Events per second for the latency."""


def main() -> None:
    """Measure what is asked for; one line of JSON each."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    known = [
        "full",
        *(["full-compiled"] if full.can_compile() else []),
        *(engine.name for engine in engines()),
        "limit-fetch",
        "limit-decode",
        "latency",
    ]
    parser.add_argument("--only", help=f"some of {','.join(known)}", default=",".join(known))
    parser.add_argument("--scale", type=float, default=1.0, help="times as many events as usual")
    given = parser.parse_args()
    wanted = given.only.split(",")
    if unknown := set(wanted) - set(known):
        parser.error(f"there is no {', '.join(unknown)}")
    with open_broker("kafka") as broker, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _measure(broker.bootstrap, Path(folder), wanted, given.scale)


def _measure(bootstrap: str, folder: Path, wanted: list[str], scale: float) -> None:
    of_full: float | None = None
    filled: dict[str, Windows] = {}

    def show(measure: Measure) -> None:
        if of_full and measure.name != "latency":
            measure.ratio_to_full = round(measure.events_per_second / of_full, 3)
        sys.stdout.write(measure.line() + "\n")
        sys.stdout.flush()

    if "full" in wanted:
        measure = measured("full", full.run(bootstrap, folder, touchpoints(int(FULL_EVENTS * scale))))
        of_full = measure.events_per_second
        show(measure)
    if "full-compiled" in wanted:
        environment = full.compiled(folder / "compiled")
        outcome = full.run(bootstrap, folder, touchpoints(int(FULL_EVENTS * scale)), environment=environment)
        show(measured("full-compiled", outcome))
    for engine in engines():
        if engine.name in wanted:
            events = int(engine.events * scale)
            topic = f"small-{events}.touchpoints"
            if topic not in filled:
                pairs = list(small(events))
                fill(bootstrap, topic, pairs)
                filled[topic] = windows(pairs)
            show(measured(engine.name, run(engine, bootstrap, topic, events, filled[topic])))
    if "limit-fetch" in wanted or "limit-decode" in wanted:
        events = fill(bootstrap, "limits", touchpoints(int(FULL_EVENTS * scale / 2)))
        outcome, values = limits.fetch(bootstrap, "limits", events)
        show(measured("limit-fetch", outcome))
        show(measured("limit-decode", limits.decoding(values)))
    if "latency" in wanted:
        late = latency.run(bootstrap, folder, LOAD)
        show(
            Measure(
                name="latency",
                events=late["probes"],
                events_per_second=LOAD,
                p50_ms=late["p50_ms"],
                p99_ms=late["p99_ms"],
            )
        )


if __name__ == "__main__":
    main()
