"""One round of rules: 1,000 of them, each by the 10,000 values of a dimension; one line of JSON.

`cold` is the first round of a board that was just restored, `all_changed` one after every segment got a touchpoint,
`some_changed` one after 1 % of them did, `minute` one in which nothing came and a minute passed, `hour` one that
catches up with an hour in which each segment got two touchpoints. Seconds of CPU time, the median of several rounds.

    python -m tests.bench.watch
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from itertools import product
from random import Random

from msgspec import Struct, json

from schemas.cell import Segment
from stream.config import Config
from stream.counters import Counters
from stream.history import History
from stream.rules.rule import Rule
from stream.rules.watch import Watch
from stream.slices import HOUR_MS, MINUTE_MS, RESOLUTIONS, SECOND_MS, Calendar
from stream.state import State

NOW = 1_774_000_000_000
WINDOWS = ("15m", "1h")
BOUNDS = {
    "csat_satisfied_ratio": (0.0, 0.2),
    "fcr_ratio": (0.0, 0.2),
    "resolution_mean_seconds": (90_000.0, 180_000.0),
    "cart_abandonment_ratio": (1.0, 1.2),
    "touchpoints": (50.0, 2_000.0),
}
"""Where the bounds of the rules on a metric lie: nearly all values are calm."""
_ROUNDS = 7


class Found(Struct):
    """What rounds take, in seconds, and what there was to look at."""

    name: str
    rules: int
    segments: int
    pairs: int
    cold: float
    all_changed: float
    some_changed: float
    minute: float
    hour: float
    firing: int
    peak_mib: float


def rules(number: int) -> list[Rule]:
    """So many rules, each with a bound of its own, on every metric over every window."""
    groups = list(product(BOUNDS, WINDOWS))
    each = number // len(groups)
    return [
        Rule(
            alert=f"{metric}-{window}-{at}",
            metric=metric,
            window=window,
            condition="below" if low == 0.0 else "above",
            bound=low + (high - low) * at / each,
            by=("product",),
            min_samples=2,
            for_ms=MINUTE_MS,
        )
        for metric, window in groups
        for low, high in [BOUNDS[metric]]
        for at in range(each)
    ]


def counted(random: Random) -> Counters:
    """What some touchpoints of one product come to."""
    return {
        "touchpoints": random.randint(1, 9),
        f"csat:1:5:{random.randint(2, 5)}": 1,
        f"csat:1:5:{random.randint(4, 5)}": 2,
        "resolved": 2,
        "resolved.first": random.randint(1, 2),
        "art.n": 1,
        "art.ms": random.randint(60_000, 7_200_000),
        f"art.b{random.randint(500, 700)}": 1,
        "carts.closed": 2,
        "carts.abandoned": random.randint(0, 1),
    }


def add(history: History, segment: Segment, time_ms: int, counters: Counters) -> None:
    """As a board does with the cells of these touchpoints."""
    for resolution_ms in RESOLUTIONS:
        history.add(segment, resolution_ms, Calendar().slice_start_ms(resolution_ms, time_ms), counters)


def run(number: int, segments: int) -> Found:
    """All kinds of rounds, one after the other."""
    config, random = Config(segmentations=((), ("product",))), Random(1)
    history, state = History(config), State(lambda _: None)
    names: list[Segment] = [(("product", f"p{at}"),) for at in range(segments)]
    for segment in names:
        for _ in range(8):
            add(history, segment, NOW - random.randrange(2 * HOUR_MS), counted(random))
    watch = Watch(config, state, history, rules(number))
    clock = [NOW]

    def round_s(passes_ms: int, changed: Iterable[Segment]) -> float:
        for segment in changed:
            add(history, segment, clock[0], {"touchpoints": 1})
        before_ms, clock[0] = clock[0], clock[0] + passes_ms
        began_s = time.process_time()
        watch.evaluate(before_ms, clock[0])
        return time.process_time() - began_s

    def median_s(passes_ms: int, changed: Callable[[], list[Segment]]) -> float:
        return round(statistics.median(round_s(passes_ms, changed()) for _ in range(_ROUNDS)), 3)

    def catch_up_s() -> float:
        for segment in names:
            for _ in range(2):
                add(history, segment, clock[0] + random.randrange(HOUR_MS), {"touchpoints": 1})
        return round(round_s(HOUR_MS, ()), 3)

    began_s = time.process_time()
    watch.evaluate(0, NOW)
    cold_s = time.process_time() - began_s
    return Found(
        name="watch",
        rules=number,
        segments=segments,
        pairs=number * segments,
        cold=round(cold_s, 3),
        all_changed=median_s(SECOND_MS, lambda: names),
        some_changed=median_s(SECOND_MS // 10, lambda: random.sample(names, segments // 100)),
        minute=median_s(MINUTE_MS, list),
        hour=catch_up_s(),
        firing=len(watch.standing()),
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def main() -> None:
    """Measure as many rules and segments as are asked for."""
    parser = argparse.ArgumentParser(prog="bench.watch", description=__doc__)
    parser.add_argument("--rules", type=int, default=1_000)
    parser.add_argument("--segments", type=int, default=10_000)
    given = parser.parse_args()
    sys.stdout.write(json.encode(run(given.rules, given.segments)).decode() + "\n")


if __name__ == "__main__":
    main()
