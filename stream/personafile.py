"""Personas from YAML: every mistake at once, each with its line and what to do."""

import re
from collections.abc import Callable

from yaml.nodes import Node, SequenceNode

from stream.mapping.nodes import Mistakes, choice, entries, is_null, items, text, whole
from stream.personas import (
    ACTIVE,
    NPS_GROUPS,
    PURCHASES,
    REVENUE,
    TICKETS,
    Condition,
    FirstSeen,
    Inactive,
    Nps,
    Persona,
    Within,
)

_CURRENCY = re.compile("[A-Z]{3}")


def parse(node: Node, what: str, mistakes: Mistakes) -> tuple[Persona, ...]:
    """A list of personas, in order; ``what`` it is called."""
    if not isinstance(node, SequenceNode):
        mistakes.add(
            node, f"{what} must be a list with lines such as `- {{name: at_risk, when: {{inactive_days: 30}}}}`"
        )
        return ()
    found = [_persona(item, mistakes) for item in node.value]
    for item, before in zip(node.value[1:], node.value, strict=False):
        if "when" not in entries(before, "a persona", mistakes):
            mistakes.add(item, "this persona is never reached: the one before has no `when:`, so it takes everybody")
    return tuple(found)


def _persona(node: Node, mistakes: Mistakes) -> Persona:
    given = entries(node, "a persona", mistakes, ("name", "when"))
    if "name" not in given:
        mistakes.add(node, "a persona needs `name:`")
    name = text(given["name"], "`name`", mistakes) if "name" in given else ""
    if "when" not in given:
        return Persona(name)
    conditions: list[Condition] = []
    when = entries(given["when"], "`when`", mistakes, _CONDITIONS) if not is_null(given["when"]) else {}
    if is_null(given["when"]) or not given["when"].value:
        mistakes.add(node, "`when` has no conditions: leave it out where everybody is meant")
    for key, value in when.items():
        conditions += [_CONDITIONS[key](item, f"`{key}`", mistakes) for item in items(value)]
    return Persona(name, tuple(conditions))


def _within(measure: str) -> Callable[[Node, str, Mistakes], Condition]:
    def parse(node: Node, what: str, mistakes: Mistakes) -> Condition:
        keys = ("currency", "at_least", "below", "days") if measure == REVENUE else ("at_least", "below", "days")
        given = entries(node, what, mistakes, keys)
        for key in ("days", *keys[:-3]):
            if key not in given:
                mistakes.add(node, f"{what} needs `{key}:`")
        least, below = (_number(given, key, what, mistakes) for key in ("at_least", "below"))
        days = _days(given["days"], f"{what}: `days`", mistakes) if "days" in given else 1
        _check_bounds(node, what, mistakes, least, below)
        if measure == ACTIVE and (least or 0) > days:
            mistakes.add(node, f"{what}: nobody is active on {least} days within {days}")
        currency = _currency(given["currency"], what, mistakes) if "currency" in given else ""
        return Within(measure + currency, days, least, below)

    return parse


def _check_bounds(node: Node, what: str, mistakes: Mistakes, least: int | None, below: int | None) -> None:
    if least is None and below is None:
        mistakes.add(node, f"{what} needs `at_least:` or `below:`")
    elif least is not None and below is not None and least >= below:
        mistakes.add(node, f"{what}: nothing is at least {least} and below {below}")


def _number(given: dict[str, Node], key: str, what: str, mistakes: Mistakes) -> int | None:
    return whole(given[key], f"{what}: `{key}`", mistakes) if key in given else None


def _days(node: Node, what: str, mistakes: Mistakes) -> int:
    days = whole(node, what, mistakes)
    if days == 0:
        mistakes.add(node, f"{what} must be at least 1")
    return days


def _currency(node: Node, what: str, mistakes: Mistakes) -> str:
    currency = text(node, f"{what}: `currency`", mistakes)
    if currency and not _CURRENCY.fullmatch(currency):
        mistakes.add(node, f"{what}: `currency` must be three capitals such as EUR")
    return currency


def _inactive(node: Node, what: str, mistakes: Mistakes) -> Condition:
    return Inactive(_days(node, what, mistakes))


def _first_seen(node: Node, what: str, mistakes: Mistakes) -> Condition:
    given = entries(node, what, mistakes, ("at_least", "at_most"))
    least, most = (_number(given, key, what, mistakes) for key in ("at_least", "at_most"))
    if least is None and most is None:
        mistakes.add(node, f"{what} needs `at_least:` or `at_most:`")
    elif least is not None and most is not None and least > most:
        mistakes.add(node, f"{what}: nothing is at least {least} and at most {most}")
    return FirstSeen(least, most)


def _nps(node: Node, what: str, mistakes: Mistakes) -> Condition:
    return Nps(choice(node, what, mistakes, NPS_GROUPS))


_CONDITIONS: dict[str, Callable[[Node, str, Mistakes], Condition]] = {
    "revenue": _within(REVENUE),
    "purchases": _within(PURCHASES),
    "tickets_opened": _within(TICKETS),
    "active_days": _within(ACTIVE),
    "inactive_days": _inactive,
    "first_seen_days": _first_seen,
    "nps": _nps,
}
