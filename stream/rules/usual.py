"""What is usual: learnt for each hour of the week from the values at the end of that hour in the weeks before.

Of a value x that is seen at the end of an hour, in the n-th week (from 0) that this hour is learnt from:

    w = max(1 / (n + 1), 1 / 8)         the mean of up to eight weeks, then what is older counts less and less
    d = x - mean, but within ±3 spreads once three weeks are known, so that an incident moves the usual by little
    mean += w d;  variance = (1 - w) (variance + w d²)

What the last week brought is taken in when the next one comes, so that no hour is ever judged by itself. The spread of
an hour is that of a value still to come, over this hour and those before and after it: the root of the mean of their
``variance (n + 1) / (n - 1)``; at least 1 % of the mean, and at least 0.01.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, msgpack

from schemas.cell import Segment
from stream.rules.rule import Measure
from stream.slices import HOUR_MS, Calendar
from stream.state import State

PREFIX = b"u"
"""First byte of the keys under which it is stored what was learnt."""
_HOURS, _DAY_HOURS, _WEEK_DAYS = 168, 24, 7
_MONDAY = 72
"""1970 began with a Thursday."""
_LEAST_WEIGHT = 1 / 8
_MOST_SPREADS = 3.0
_CLIP_WEEKS = 3
_LEAST_PART, _LEAST = 0.01, 0.01


class Hour(NamedTuple):
    """What is known of an hour of the week. ``value`` was seen in the hour of that ``number``, and is not in it yet."""

    weeks: int
    mean: float
    variance: float
    number: int
    value: float


class Day(Struct, array_like=True, frozen=True):
    """What is known of the hours of one day of the week."""

    hours: dict[int, Hour]

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode = msgpack.Decoder(Day).decode
_decode_key = msgpack.Decoder(tuple[str, str, int, Segment, int]).decode
_NOTHING = Day({})


def hour_number(calendar: Calendar, time_ms: int) -> int:
    """The hour that local clocks show, counted from 1970 on; one that they show twice has one number."""
    return (time_ms + calendar.offset_ms(time_ms)) // HOUR_MS


def next_hour_ms(calendar: Calendar, time_ms: int) -> int:
    """When local clocks next show a full hour."""
    return time_ms + HOUR_MS - (time_ms + calendar.offset_ms(time_ms)) % HOUR_MS


class Usual:
    """What was learnt on one board, in its state: of each measure and segment, 168 hours at most."""

    def __init__(self, state: State) -> None:
        self._state = state

    def learn(self, measure: Measure, segment: Segment, number: int, value: float) -> None:
        """At the end of the hour of that number there was this value."""
        day, at = divmod((number + _MONDAY) % _HOURS, _DAY_HOURS)
        key = _key(measure, segment, day)
        known = self._state.get(key, _decode) or _NOTHING
        before = known.hours.get(at)
        if before is not None and before.number < number:
            before = _folded(before)
        weeks, mean, variance = (0, 0.0, 0.0) if before is None else before[:3]
        self._state.put(key, Day({**known.hours, at: Hour(weeks, mean, variance, number, value)}))

    def usual(self, measure: Measure, segment: Segment, number: int, weeks: int) -> tuple[float, float] | None:
        """Mean and spread for the hour of that number; None where fewer than ``weeks`` (2 at least) are known."""
        hour = self._known(measure, segment, number, number)
        if hour is None or hour.weeks < max(2, weeks):
            return None
        beside = (self._known(measure, segment, at, number) for at in (number - 1, number + 1))
        return hour.mean, _spread(hour.mean, (hour, *(each for each in beside if each is not None)))

    def forget(self, measures: Iterable[Measure], segment: Segment) -> None:
        """Nothing is kept of a segment that is gone."""
        for measure in measures:
            for key in (_key(measure, segment, day) for day in range(_WEEK_DAYS)):
                if self._state.get(key, _decode) is not None:
                    self._state.delete(key)

    def prune(self, keys: Iterable[bytes], measures: Iterable[Measure]) -> None:
        """Forget what no rule looks at any more."""
        wanted = {(measure.metric, measure.window, measure.least) for measure in measures}
        for key in keys:
            if _decode_key(key[len(PREFIX) :])[:3] not in wanted:
                self._state.delete(key)

    def _known(self, measure: Measure, segment: Segment, at: int, number: int) -> Hour | None:
        """What the hour ``at`` brought in the weeks before the hour ``number``, its own week left out."""
        day, hour = divmod((at + _MONDAY) % _HOURS, _DAY_HOURS)
        known = (self._state.get(_key(measure, segment, day), _decode) or _NOTHING).hours.get(hour)
        if known is None or known.number > number - _DAY_HOURS:
            return known
        return _folded(known)


def _folded(hour: Hour) -> Hour:
    """With the last value taken in."""
    apart = hour.value - hour.mean
    if hour.weeks >= _CLIP_WEEKS:
        reach = _MOST_SPREADS * _spread(hour.mean, (hour,))
        apart = max(-reach, min(reach, apart))
    weight = max(1 / (hour.weeks + 1), _LEAST_WEIGHT)
    variance = (1 - weight) * (hour.variance + weight * apart * apart)
    return Hour(hour.weeks + 1, hour.mean + weight * apart, variance, hour.number, hour.value)


def _spread(mean: float, hours: Iterable[Hour]) -> float:
    """By how much values of such hours are usually apart from their mean."""
    found = [each.variance * (each.weeks + 1) / (each.weeks - 1) for each in hours if each.weeks >= 2]
    return max(math.sqrt(sum(found) / len(found)) if found else 0.0, _LEAST_PART * abs(mean), _LEAST)


def _key(measure: Measure, segment: Segment, day: int) -> bytes:
    return PREFIX + msgpack.encode((measure.metric, measure.window, measure.least, segment, day))
