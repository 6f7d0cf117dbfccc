"""What happens to records on the way: repeated, spoilt, out of order. Seeded, and every injection is counted.

Each function takes records and a counter and passes records on, so that they compose; ``disturb`` applies all three.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random
from typing import Final

from agents.simulator.malformed import RECIPES, spoil
from agents.simulator.record import Record

REPEAT_WITHIN: Final = 50
"""A repeat comes at most this many records after its original."""


def disturb(
    records: Iterable[Record],
    *,
    seed: int,
    duplicates: float = 0.0,
    malformed: float = 0.0,
    shuffle: int = 0,
    report: Counter[str] | None = None,
) -> Iterator[Record]:
    """Add repeats and spoilt records at the given rates (per sound record), then shuffle within ``shuffle`` records.

    Nothing sound is lost, and what is added changes no metric: a repeat is recognised, a spoilt record rejected.
    ``report`` is filled while the records are read: ``duplicate``, ``shuffled`` (records that left their place) and
    each ``schemas.rejected.Reason`` that a spoilt record ought to meet.

    Raises:
        ValueError: a rate is not in 0..1 or the shuffle is negative; at the call, not while reading.
    """
    if not (0 <= duplicates <= 1 and 0 <= malformed <= 1 and shuffle >= 0):
        raise ValueError(f"rates are in 0..1 and a shuffle at least 0, got {duplicates}, {malformed}, {shuffle}")
    counts: Counter[str] = Counter() if report is None else report
    stream = iter(records)
    if malformed:
        stream = inject_malformed(stream, malformed, Random(f"{seed} malformed"), counts)
    if duplicates:
        stream = repeat(stream, duplicates, Random(f"{seed} duplicates"), counts)
    if shuffle > 1:
        stream = shuffled(stream, shuffle, Random(f"{seed} shuffle"), counts)
    return stream


def repeat(records: Iterable[Record], rate: float, rng: Random, report: Counter[str]) -> Iterator[Record]:
    """Send a share of the records again, byte for byte, within the next ``REPEAT_WITHIN`` records."""
    due: dict[int, list[Record]] = defaultdict(list)
    for place, record in enumerate(records):
        yield record
        if rng.random() < rate:
            report["duplicate"] += 1
            due[place + rng.randrange(REPEAT_WITHIN)].append(record)
        if place in due:
            yield from due.pop(place)
    for left in due.values():
        yield from left


def inject_malformed(records: Iterable[Record], rate: float, rng: Random, report: Counter[str]) -> Iterator[Record]:
    """After a share of the records, add one that must be rejected: every way of being wrong in turn."""
    reasons = tuple(RECIPES)
    count = 0
    for record in records:
        yield record
        if record.value and rng.random() < rate:
            reason = reasons[count % len(reasons)]
            count += 1
            report[str(reason)] += 1
            yield Record(record.key, spoil(record.value, reason, rng, f"malformed-{count}"), record.time_ms)


def shuffled(records: Iterable[Record], window: int, rng: Random, report: Counter[str]) -> Iterator[Record]:
    """Swap records of different customers within each run of ``window`` records; each customer's own order stays.

    The keys are shuffled; then each place takes the next record of the key that it has got.
    """
    stream = iter(records)
    while block := list(islice(stream, window)):
        queues: dict[bytes, deque[Record]] = defaultdict(deque)
        for record in block:
            queues[record.key].append(record)
        keys = [record.key for record in block]
        rng.shuffle(keys)
        moved = [queues[key].popleft() for key in keys]
        report["shuffled"] += sum(now is not before for now, before in zip(moved, block, strict=True))
        yield from moved
