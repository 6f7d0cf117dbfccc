"""Cohorts: customers by the week or month of their first activity, and in which later ones they were active again.

A customer counts once in each week and month, by its age: how many weeks or months after the first one it is. That is
counted on the first day of the week or month, in days alone.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from stream.activity import Activity
from stream.counters import with_prefix
from stream.facts import Cohort

UNITS = ("week", "month")
Entry = tuple[int, Cohort]
"""The first day of a week or month, by its number (see ``Calendar.day_number``), and what counts there."""


def start(unit: str, day: int) -> int:
    """The first day of the week (Monday) or month that a day is in.

    >>> date.fromordinal(start("month", date(2026, 3, 29).toordinal())).isoformat()
    '2026-03-01'
    >>> date.fromordinal(start("week", date(2026, 3, 29).toordinal())).isoformat()
    '2026-03-23'
    """
    if unit == "week":
        return day - (day - 1) % 7
    return day - date.fromordinal(day).day + 1


def age(unit: str, first: int, day: int) -> int:
    """How many weeks or months the one of ``day`` is after that of ``first``.

    >>> age("month", date(2025, 11, 30).toordinal(), date(2026, 2, 1).toordinal())
    3
    """
    if unit == "week":
        return (start(unit, day) - start(unit, first)) // 7
    earlier, later = date.fromordinal(first), date.fromordinal(day)
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def entered(day: int) -> list[Entry]:
    """What the first day of all counts as."""
    return [(start(unit, day), Cohort(unit, 0)) for unit in UNITS]


def entries(activity: Activity, day: int) -> list[Entry]:
    """What a day changes that is about to be added to the activity."""
    bits = int.from_bytes(activity.days, "little")
    at = day - activity.first_day
    if at >= 0 and bits >> at & 1:
        return []
    # Of what was stored before there were cohorts nothing was counted that could be taken back.
    began = activity.began or min(activity.first_day, day)
    found: list[Entry] = []
    for unit in UNITS:
        first = start(unit, day)
        if age(unit, began, day) < 0:
            known = sorted({start(unit, each) for each in _days(activity, bits)})
            found += [(each, Cohort(unit, age(unit, began, each), -1)) for each in known]
            found += [(each, Cohort(unit, age(unit, day, each))) for each in (first, *known)]
        elif not any(start(unit, each) == first for each in _near(activity, bits, first)):
            found.append((first, Cohort(unit, age(unit, began, day))))
    return found


def standing(activity: Activity) -> list[Entry]:
    """What the known days count as."""
    began, days = activity.began or activity.first_day, list(_days(activity, int.from_bytes(activity.days, "little")))
    return [
        (first, Cohort(unit, age(unit, began, first)))
        for unit in UNITS
        for first in dict.fromkeys(start(unit, day) for day in days)
    ]


def _days(activity: Activity, bits: int) -> Iterator[int]:
    """The known days, in order."""
    day = activity.first_day
    while bits:
        if bits & 1:
            yield day
        bits >>= 1
        day += 1


def _near(activity: Activity, bits: int, first: int) -> Iterator[int]:
    """The known days from ``first`` on that may be in the same week or month."""
    for day in range(first, first + 31):
        at = day - activity.first_day
        if at >= 0 and bits >> at & 1:
            yield day


def cohort(unit: str, first: int, age: int) -> int:
    """The first day of the week or month that is so many before the one that begins on ``first``.

    >>> date.fromordinal(cohort("month", date(2026, 2, 1).toordinal(), 3)).isoformat()
    '2025-11-01'
    """
    for _ in range(age):
        first = start(unit, first - 1)
    return first


def matrix(unit: str, counted: Mapping[int, Mapping[str, int]]) -> dict[int, dict[int, int]]:
    """Customers by cohort and age, each cohort by its first day; ``counted`` are the counters of those first days.

    >>> counted = {738060: {"cohort.week.0": 5}, 738067: {"cohort.week.1": 3, "cohort.month.2": 9}}
    >>> matrix("week", counted)
    {738060: {0: 5, 1: 3}}
    """
    found: dict[int, dict[int, int]] = {}
    for first, counters in sorted(counted.items()):
        for name, number in with_prefix(counters, f"cohort.{unit}.").items():
            if number:
                found.setdefault(cohort(unit, first, int(name)), {})[int(name)] = number
    return {first: dict(sorted(ages.items())) for first, ages in sorted(found.items())}
