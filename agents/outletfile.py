"""What the settings say of outlets: who is told of alerts, where, and when."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from yaml.nodes import Node

from agents.deskfile import matchers
from stream.desk.escalation import SEVERITIES
from stream.desk.grouping import Route
from stream.errors import ConfigError
from stream.mapping.nodes import Mistakes, choice, duration_ms, entries, items, text, texts, truth
from stream.slices import HOUR_MS, MINUTE_MS, SECOND_MS

KINDS = ("webhook", "slack", "alertmanager")
_KEYS = (
    "name",
    "kind",
    "url",
    "url_variable",
    "secret_variable",
    "severity",
    "matchers",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolved",
    "timeout",
    "link",
    "resend",
)
_OWN_GROUPS = ("group_by", "group_wait", "group_interval", "repeat_interval")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class OutletSettings:
    """One outlet. What must stay secret is in environment variables, of which the settings have the names.

    ``link`` is an address for people, in which ``{alertname}``, ``{customer}``, ``{fingerprint}`` and labels are
    replaced. ``resolved`` says whether resolutions are told too.
    """

    name: str
    kind: str = "webhook"
    route: Route = field(default_factory=Route)
    url: str = ""
    url_variable: str = ""
    secret_variable: str = ""
    resolved: bool = True
    timeout_ms: int = 10 * SECOND_MS
    link: str = ""

    def address(self, environment: Mapping[str, str]) -> str:
        """Where to post to."""
        return environment[self.url_variable] if self.url_variable else self.url

    def secret(self, environment: Mapping[str, str]) -> str | None:
        """What to sign with; None where nothing is signed."""
        return environment[self.secret_variable] if self.secret_variable else None


def outlets(node: Node, what: str, mistakes: Mistakes) -> tuple[OutletSettings, ...]:
    """A list of them, each with a name of its own."""
    found = [_outlet(item, f"{what}", mistakes) for item in items(node)]
    seen: set[str] = set()
    for item, outlet in zip(items(node), found, strict=True):
        if outlet.name and outlet.name in seen:
            mistakes.add(item, f"{what}: there are two of the name `{outlet.name}`")
        seen.add(outlet.name)
    return tuple(found)


def check_variables(found: tuple[OutletSettings, ...], environment: Mapping[str, str] | None = None) -> None:
    """Make sure that the variables that outlets name are there; only the desk needs them.

    Raises:
        ConfigError: with all that are not.
    """
    environment = os.environ if environment is None else environment
    problems = [
        f"outlet `{outlet.name}`: the environment variable {variable} is not set"
        for outlet in found
        for variable in (outlet.url_variable, outlet.secret_variable)
        if variable and not environment.get(variable)
    ]
    problems += [
        f"outlet `{outlet.name}`: {outlet.url_variable} is no http or https address"
        for outlet in found
        if environment.get(outlet.url_variable) and not _is_address(environment[outlet.url_variable])
    ]
    if problems:
        raise ConfigError(problems)


def _outlet(node: Node, what: str, mistakes: Mistakes) -> OutletSettings:
    given = entries(node, what, mistakes, _KEYS)
    name = text(given["name"], f"{what}: `name`", mistakes) if "name" in given else ""
    if "name" not in given:
        mistakes.add(node, f"{what}: each needs `name:`")
    elif name and not _NAME.fullmatch(name):
        mistakes.add(given["name"], f"{what}: a name has letters, digits, `.`, `_` and `-` only, at most 64")
    if ("url" in given) == ("url_variable" in given):
        mistakes.add(node, f"{what}: `{name}` needs one of `url:` and `url_variable:`")
    kind = choice(given["kind"], f"{what}: `kind`", mistakes, KINDS) if "kind" in given else KINDS[0]
    _check_fit(given, kind, what, mistakes)
    plain: dict[str, Any] = {
        key: text(given[key], f"{what}: `{key}`", mistakes)
        for key in ("url", "url_variable", "secret_variable", "link")
        if key in given
    }
    if plain.get("url") and not _is_address(plain["url"]):
        mistakes.add(given["url"], f"{what}: `{plain['url']}` is no http or https address")
    if "timeout" in given:
        plain["timeout_ms"] = _duration(given, "timeout", 0, what, mistakes)
    if "resolved" in given:
        plain["resolved"] = truth(given["resolved"], f"{what}: `resolved`", mistakes)
    return OutletSettings(name, kind, _route(given, kind, what, mistakes), **plain)


def _check_fit(given: Mapping[str, Node], kind: str, what: str, mistakes: Mistakes) -> None:
    """What only some kinds have."""
    for key in (*_OWN_GROUPS, "link", "resolved"):
        if kind == "alertmanager" and key in given and key != "link":
            mistakes.add(given[key], f"{what}: Alertmanager groups and repeats by itself: leave `{key}` out")
    if kind != "alertmanager" and "resend" in given:
        mistakes.add(given["resend"], f"{what}: `resend` is for Alertmanager; others have `repeat_interval`")
    if kind != "webhook" and "secret_variable" in given:
        mistakes.add(given["secret_variable"], f"{what}: only a webhook is signed: leave `secret_variable` out")
    for key in ("group_interval",):
        if key in given and "group_by" not in given:
            mistakes.add(given[key], f"{what}: `{key}` is for groups: give `group_by` too, or leave it out")


def _route(given: Mapping[str, Node], kind: str, what: str, mistakes: Mistakes) -> Route:
    found = matchers(given["matchers"], f"{what}: `matchers`", mistakes) if "matchers" in given else ()
    severities = _severities(given["severity"], what, mistakes) if "severity" in given else SEVERITIES
    if kind == "alertmanager":
        resend_ms = _duration(given, "resend", MINUTE_MS, what, mistakes)
        return Route(found, severities, group_by=(), repeat_ms=resend_ms, is_pulse=True)
    if "group_by" not in given:
        wait_ms = _duration(given, "group_wait", 0, what, mistakes)
        repeat_ms = _duration(given, "repeat_interval", 0, what, mistakes) or None
        return Route(found, severities, wait_ms=wait_ms, repeat_ms=repeat_ms)
    return Route(
        found,
        severities,
        group_by=texts(given["group_by"], f"{what}: `group_by`", mistakes),
        wait_ms=_duration(given, "group_wait", 30 * SECOND_MS, what, mistakes),
        interval_ms=_duration(given, "group_interval", 5 * MINUTE_MS, what, mistakes),
        repeat_ms=_duration(given, "repeat_interval", 4 * HOUR_MS, what, mistakes),
    )


def _severities(node: Node, what: str, mistakes: Mistakes) -> tuple[str, ...]:
    return tuple(choice(item, f"{what}: `severity`", mistakes, SEVERITIES) for item in items(node))


def _duration(given: Mapping[str, Node], key: str, otherwise_ms: int, what: str, mistakes: Mistakes) -> int:
    if key not in given:
        return otherwise_ms
    found_ms = duration_ms(given[key], f"{what}: `{key}`", mistakes)
    if not found_ms and key != "group_wait" and str(given[key].value).startswith("0"):
        mistakes.add(given[key], f"{what}: `{key}` must be longer than nothing")
    return found_ms


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
