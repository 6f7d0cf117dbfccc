"""The days on which a customer was active in one segment."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from stream.facts import Active

Counted = tuple[int, Active]
"""When it is counted (epoch milliseconds), and what."""


class Activity(Struct, array_like=True):
    """Bit ``i`` of ``days`` (little-endian) is the day ``first_day + i``; ``last_ms`` the first moment of the last day.

    Adding a day before or between others moves the gap of the one after it. Within the last day, an earlier moment
    moves its count there, so that a part of that day reads right too. ``began`` is the first day of all, also where
    it is no longer among ``days``; 0 in what was stored before there were cohorts: then it is the first of ``days``.
    """

    first_day: int
    days: bytes
    last_ms: int
    began: int = 0


FIRST = Active(None)
"""What the first day of activity counts as."""


def started(day: int, time_ms: int) -> Activity:
    """The first day of a customer's activity, which counts as ``FIRST``."""
    return Activity(day, b"\x01", time_ms, day)


def knows(activity: Activity, day: int) -> bool:
    """Whether that day is among the days."""
    at = day - activity.first_day
    return at >= 0 and bool(int.from_bytes(activity.days, "little") >> at & 1)


def seen(activity: Activity, day: int, time_ms: int, midnight_ms: Callable[[int], int]) -> list[Counted]:
    """Add a moment of a day, in place; what it changes in the counts, which is nothing where the day is known.

    ``midnight_ms`` says when a day begins. Days before the last are only read whole, so there any moment will do.

    >>> activity = started(100, 5)
    >>> seen(activity, 103, 300, int)
    [(300, Active(gap_days=3, sign=1))]
    >>> seen(activity, 103, 310, int)
    []
    """
    bits = int.from_bytes(activity.days, "little")
    at = day - activity.first_day
    if at >= 0 and bits >> at & 1:
        return list(_earlier(activity, bits, at, time_ms))
    activity.began = min(activity.began or activity.first_day, day)
    if at < 0:
        bits, activity.first_day, at = bits << -at, day, 0
    before = bits & ((1 << at) - 1)
    after = bits >> (at + 1)
    gap = at - before.bit_length() + 1 if before else None
    facts = [(time_ms, Active(gap))]
    if after:
        distance = (after & -after).bit_length()
        is_last = after.bit_length() == distance
        moment_ms = activity.last_ms if is_last else midnight_ms(day + distance)
        facts.append((moment_ms, Active(None if gap is None else gap + distance, -1)))
        facts.append((moment_ms, Active(distance)))
    else:
        activity.last_ms = time_ms
    bits |= 1 << at
    activity.days = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return facts


def standing(activity: Activity, midnight_ms: Callable[[int], int]) -> Iterator[Counted]:
    """What its days count as, but for one that is only known for the gap after it.

    >>> list(standing(Activity(100, bytes([0b101]), 217, 100), int))
    [(100, Active(gap_days=None, sign=1)), (217, Active(gap_days=2, sign=1))]
    """
    last: int | None = None
    *earlier, latest = days(activity)
    for day in (*earlier, latest):
        moment_ms = activity.last_ms if day == latest else midnight_ms(day)
        if last is not None:
            yield moment_ms, Active(day - last)
        elif activity.began in (0, day):
            yield moment_ms, FIRST
        last = day


def days(activity: Activity) -> list[int]:
    """The known days, in order; there is always one."""
    bits = int.from_bytes(activity.days, "little")
    return [activity.first_day + at for at in range(bits.bit_length()) if bits >> at & 1]


def _earlier(activity: Activity, bits: int, at: int, time_ms: int) -> Iterator[Counted]:
    """A moment before the one at which the last day was counted takes its place."""
    if bits.bit_length() - 1 != at or time_ms >= activity.last_ms:
        return
    before = bits & ((1 << at) - 1)
    gap = at - before.bit_length() + 1 if before else None
    yield activity.last_ms, Active(gap, -1)
    yield time_ms, Active(gap)
    activity.last_ms = time_ms


def forget(activity: Activity, day: int) -> None:
    """Leave out, in place, what no day from ``day`` on has to do with: all but the last of the days before it.

    >>> activity = Activity(100, bytes([0b10101]), 5)
    >>> forget(activity, 103)
    >>> activity.first_day, activity.days.hex()
    (102, '05')
    """
    bits = int.from_bytes(activity.days, "little")
    older = bits & ((1 << max(0, day - activity.first_day)) - 1)
    if older:
        activity.began = activity.began or activity.first_day
        shift = older.bit_length() - 1
        bits >>= shift
        activity.first_day += shift
        activity.days = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
