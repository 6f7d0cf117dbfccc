"""The numbers of a run against the naive oracle, which knows nothing of streams: for the total and for the web."""

from collections.abc import Iterator
from fractions import Fraction

from stream.config import Config
from stream.counters import merged
from stream.metrics import Reading, Value
from stream.metrics import read as read_metrics
from stream.slices import DAY_MS, HOUR_MS
from tests.chaos.outcome import Outcome
from tests.chaos.story import Event
from tests.laws import oracle

_SEGMENTS: tuple[oracle.Segment, ...] = ((), (("channel", "web"),))


def differences(config: Config, outcome: Outcome, events: list[Event]) -> Iterator[str]:
    """Every value that is not what the events say, by hour and day; distinct customers by day."""
    for segment in _SEGMENTS:
        for resolution_ms in (HOUR_MS, DAY_MS):
            starts = {config.calendar.slice_start_ms(resolution_ms, event["time"]) for event in events}
            for start_ms in sorted(starts):
                place = f"{segment} {resolution_ms} {start_ms}"
                end_ms = config.calendar.slice_end_ms(resolution_ms, start_ms)
                found = _read(outcome, segment, resolution_ms, start_ms)
                expected = oracle.expected(events, start_ms, end_ms, segment)
                yield from _compare(place, found, expected)
                if resolution_ms == DAY_MS:
                    day = config.calendar.date(start_ms)
                    active = oracle.active(events, day, day, config.calendar.zone, segment)
                    yield from _compare(place, found, {"active_customers": (Fraction(len(active)), len(active))})


def _read(outcome: Outcome, segment: oracle.Segment, resolution_ms: int, start_ms: int) -> dict[str, Value]:
    wanted = (segment, resolution_ms, start_ms)
    parts = [c for key, c in outcome.cells.items() if (key.segment, key.resolution_ms, key.start_ms) == wanted]
    total = merged(parts)
    return read_metrics(Reading(total, [total] if resolution_ms == DAY_MS else None))


def _compare(place: str, found: dict[str, Value], expected: oracle.Numbers) -> Iterator[str]:
    for name, (value, samples) in expected.items():
        if samples and name not in found:
            yield f"{name} in {place} should be {float(value)}, but is not there"
        elif samples and (abs(found[name].value - float(value)) > 1e-9 * abs(value) or found[name].samples != samples):
            yield f"{name} in {place} is {found[name]}, but should be {float(value)} of {samples}"
