"""What happens to the customers, from a seed: the records of both runs, and the events in them for the oracle.

    |------------ story: `minutes` hours of event time -----------|--- an hour of silence ---|closing|
                          midnight

Everything after the silence is in one slice of ten seconds. Windows of up to an hour hold nothing else then, longer
ones all of the story as well; so for most of a minute no passing of time changes what a window reads, and both runs
can be asked for the same values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from agents.simulator import Incident, Kind, Population, Record, disturb, encode
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS

MIDNIGHT_MS = 20_535 * DAY_MS  # 2026-03-23: a Monday, so that the week begins amid the story
SPEED = 60
"""Seconds of event time in a second of the chaos run."""
LATE_SHARE = 0.03
CLOSING_EVENTS = 600
Event = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """``events`` are the sound ones in order of arrival, each once; ``added`` is what was done to their records."""

    records: list[Record]
    closing: list[Record]
    events: list[Event]
    added: Counter[str]


def tell(seed: int, minutes: float, events_per_second: float) -> Story:
    """The story of a chaos run of so many minutes, at that rate of events."""
    span_ms = round(minutes * SPEED * MINUTE_MS)
    start_ms = MIDNIGHT_MS - span_ms // 2
    incident = Incident(Kind.BROKEN_CHECKOUT, start_ms + span_ms // 3, start_ms + span_ms // 2)
    people = Population(seed, 400, start_ms, span_ms, events_per_second / SPEED, incidents=[incident])
    added: Counter[str] = Counter()
    sound = list(late(encode(people), Random(f"{seed} late"), added))
    rough = disturb(sound, seed=seed, duplicates=0.03, malformed=0.02, shuffle=100, report=added)
    closing = list(_closing(seed, start_ms + span_ms))
    events = [orjson.loads(record.value or b"") for record in (*sound, *closing)]
    return Story(list(rough), closing, events, added)


def late(records: Iterable[Record], rng: Random, report: Counter[str]) -> Iterator[Record]:
    """Hold some records back, for up to thousands of others. Tickets keep their order: it is what they count by."""
    due: dict[int, list[Record]] = {}
    place = 0
    for place, record in enumerate(records):
        if rng.random() < LATE_SHARE and b'"ticket"' not in (record.value or b""):
            report["late"] += 1
            due.setdefault(place + rng.choice((20, 500, 5_000)), []).append(record)
        else:
            yield record
        yield from due.pop(place, ())
    for at in sorted(due):
        yield from due[at]


def _closing(seed: int, end_ms: int) -> Iterator[Record]:
    """Some events of other journeys, all within one slice, well inside its minute and hour."""
    at_ms = end_ms - end_ms % HOUR_MS + 3 * HOUR_MS + 5 * MINUTE_MS + 20_000
    people = Population(seed + 1_000_000, 400, end_ms, HOUR_MS, CLOSING_EVENTS / 3_600)
    for number, record in enumerate(encode(people)):
        event = orjson.loads(record.value or b"")
        time_ms = at_ms + min(number * 10, 9_999)
        yield Record(record.key, orjson.dumps({**event, "time": time_ms}), time_ms)
