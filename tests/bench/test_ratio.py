"""A guard: how many times as fast as stock Faust the full job is, both measured here and now.

Not a benchmark: the runs are short, other tests run beside them, and the floor is two thirds of what is found on a
quiet machine, so that only a loss worth looking for fails. By CPU seconds: what is included is known once a second,
which is much of so short a time. The engines' results are checked on the way.
"""

from pathlib import Path
from typing import Any

from agents.brokers import Broker
from tests.bench import full
from tests.bench.engines import engines, run
from tests.bench.load import fill, small, touchpoints, windows

FLOOR = 2.0
FULL_EVENTS, SMALL_EVENTS, STOCK_EVENTS = 400_000, 200_000, 20_000


def test_the_full_job_is_many_times_as_fast_as_the_small_one_in_stock_faust(kafka: Broker, tmp_path: Path) -> None:
    outcome = full.run(kafka.bootstrap, tmp_path, touchpoints(FULL_EVENTS))
    of_full = _speed(outcome)
    by_name = {engine.name: engine for engine in engines()}
    speeds = {}
    for name, events in (("stock-faust", STOCK_EVENTS), ("small", SMALL_EVENTS)):
        topic = f"ratio-{name}.touchpoints"
        pairs = list(small(events))
        fill(kafka.bootstrap, topic, pairs)
        found = run(by_name[name], kafka.bootstrap, topic, events, windows(pairs))
        speeds[name] = _speed(found)
    assert of_full > FLOOR * speeds["stock-faust"], (of_full, speeds)
    assert speeds["small"] > of_full, (of_full, speeds)


def _speed(outcome: dict[str, Any]) -> float:
    return float(outcome["events"] / outcome["cpu_seconds"])
