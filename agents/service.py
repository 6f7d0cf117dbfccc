"""What the settings say of service: targets, business hours and holidays."""

import re
from datetime import date

from yaml.nodes import Node

from stream.config import TARGETS_MS, Targets
from stream.mapping.nodes import Mistakes, entries, items, positive, text
from stream.schedule import WEEKDAYS, Stretch, Week
from stream.slices import MINUTE_MS, SECOND_MS

_STRETCH = re.compile("([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")
_DAY = 24 * 60


def targets(node: Node, what: str, mistakes: Mistakes) -> dict[str, Targets]:
    """The targets by what they are for and by priority; those that are not given stay as they usually are."""
    found = dict(TARGETS_MS)
    for name, by_priority in entries(node, what, mistakes, TARGETS_MS).items():
        unit_ms = SECOND_MS if name == "wait" else MINUTE_MS
        given = entries(by_priority, f"{what}: `{name}`", mistakes, TARGETS_MS[name])
        found[name] = {**TARGETS_MS[name]} | {
            priority: positive(value, f"{what}: `{name}`: `{priority}`", mistakes) * unit_ms
            for priority, value in given.items()
        }
    return found


def week(node: Node, what: str, mistakes: Mistakes) -> Week:
    """Stretches by weekday, such as ``monday: ["09:00-12:00", "13:00-17:00"]``; a day that is left out has none."""
    given = entries(node, what, mistakes, WEEKDAYS)
    found = tuple(_stretches(given[day], f"{what}: `{day}`", mistakes) if day in given else () for day in WEEKDAYS)
    if given and not any(map(items, given.values())):
        mistakes.add(node, f'{what} has no hours at all: give some, such as monday: ["09:00-17:00"]')
    return found


def holidays(node: Node, what: str, mistakes: Mistakes) -> frozenset[date]:
    """Days such as 2026-12-25."""
    return frozenset(day for item in items(node) if (day := _date(item, what, mistakes)) is not None)


def _stretches(node: Node, what: str, mistakes: Mistakes) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for item in items(node):
        stretch = _stretch(item, what, mistakes)
        if stretch is None:
            continue
        if any(stretch[0] < last and first < stretch[1] for first, last in found):
            mistakes.add(item, f"{what}: {text(item, what, mistakes)} is in part in another stretch")
        found.append(stretch)
    return tuple(sorted(found))


def _stretch(node: Node, what: str, mistakes: Mistakes) -> Stretch | None:
    written = text(node, what, mistakes)
    match = _STRETCH.fullmatch(written)
    if match is not None:
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = 60 * hour + minute, 60 * end_hour + end_minute
        if start < end <= _DAY:
            return start, end
    if written:
        mistakes.add(node, f'{what} cannot be `{written}`: write from when to when, such as "09:00-17:00", up to 24:00')
    return None


def _date(node: Node, what: str, mistakes: Mistakes) -> date | None:
    written = text(node, what, mistakes)
    try:
        return date.fromisoformat(written)
    except ValueError:
        if written:
            mistakes.add(node, f"{what} cannot have `{written}`: write a day such as 2026-12-25")
        return None
