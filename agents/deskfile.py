"""What the settings say of handling alerts: what keeps them quiet, and when they are escalated."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, available_timezones

from yaml.nodes import Node

from agents import service
from schemas.handling import Matcher
from stream.desk.escalation import SEVERITIES
from stream.desk.handling import Policy
from stream.desk.inhibition import Inhibition
from stream.desk.maintenance import Maintenance
from stream.desk.matcher import MatcherError, parse
from stream.mapping.nodes import Mistakes, duration_ms, entries, items, text, texts, truth
from stream.schedule import Schedule
from stream.slices import Calendar

KEYS = ("maintenance", "inhibit", "inhibit_parts", "escalate")
_INHIBITION = ("source", "target", "equal")
_MAINTENANCE = ("name", "week", "time_zone", "matchers")


def policy(nodes: Mapping[str, Node], calendar: Calendar, mistakes: Mistakes) -> Policy:
    """All of it; ``calendar`` is that of the deployment, for maintenance that names no time zone."""
    found = items(nodes["maintenance"]) if "maintenance" in nodes else []
    rules = items(nodes["inhibit"]) if "inhibit" in nodes else []
    return Policy(
        inhibitions=tuple(_inhibition(node, mistakes) for node in rules),
        inhibit_parts="inhibit_parts" not in nodes or truth(nodes["inhibit_parts"], "`inhibit_parts`", mistakes),
        maintenance=tuple(_maintenance(node, calendar, mistakes) for node in found),
        escalate_ms=_escalate(nodes["escalate"], mistakes) if "escalate" in nodes else {},
    )


def matchers(node: Node, what: str, mistakes: Mistakes) -> tuple[Matcher, ...]:
    """One matcher or a list of them, such as ``region=eu`` or ``alertname=~Low.*``."""
    found: list[Matcher] = []
    for item in items(node):
        written = text(item, what, mistakes)
        try:
            found += [parse(written)] if written else []
        except MatcherError as error:
            mistakes.add(item, f"{what}: {error}")
    return tuple(found)


def zone(node: Node, what: str, mistakes: Mistakes) -> Calendar:
    """The calendar of a time zone."""
    name = text(node, what, mistakes)
    if name != "UTC" and name not in available_timezones():
        if name:
            mistakes.add(node, f"{what}: there is no time zone `{name}`; use a name such as Europe/Oslo")
        return Calendar()
    return Calendar(ZoneInfo(name).key)


def _inhibition(node: Node, mistakes: Mistakes) -> Inhibition:
    what = "`inhibit`"
    given = entries(node, what, mistakes, _INHIBITION)
    for key in ("source", "target"):
        if key not in given:
            mistakes.add(node, f"{what} needs `{key}:`, a list of matchers")
    return Inhibition(
        source=matchers(given["source"], f"{what}: `source`", mistakes) if "source" in given else (),
        target=matchers(given["target"], f"{what}: `target`", mistakes) if "target" in given else (),
        equal=texts(given["equal"], f"{what}: `equal`", mistakes) if "equal" in given else (),
    )


def _maintenance(node: Node, calendar: Calendar, mistakes: Mistakes) -> Maintenance:
    what = "`maintenance`"
    given = entries(node, what, mistakes, _MAINTENANCE)
    for key in ("name", "week"):
        if key not in given:
            mistakes.add(node, f"{what} needs `{key}:`")
    week = service.week(given["week"], f"{what}: `week`", mistakes) if "week" in given else ((),) * 7
    own = zone(given["time_zone"], f"{what}: `time_zone`", mistakes) if "time_zone" in given else calendar
    return Maintenance(
        name=text(given["name"], f"{what}: `name`", mistakes) if "name" in given else "",
        schedule=Schedule(own, week),
        matchers=matchers(given["matchers"], f"{what}: `matchers`", mistakes) if "matchers" in given else (),
    )


def _escalate(node: Node, mistakes: Mistakes) -> dict[str, int]:
    """After how long, by severity."""
    given = entries(node, "`escalate`", mistakes, SEVERITIES)
    return {severity: duration_ms(value, f"`escalate`: `{severity}`", mistakes) for severity, value in given.items()}
