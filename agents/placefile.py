"""What the settings say of where a deployment runs: brokers, topics, the store, the web server, logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from agents import securityfile, topicnames
from agents.cluster import addresses
from agents.outletfile import outlets
from agents.securityfile import filled
from stream.mapping.nodes import Mistakes, choice, positive, text, whole

Parse = Callable[[Node, str, Mistakes], Any]
STORES = ("memory", "rocksdb")
EXEMPLARS = ("off", "alert", "customer")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("warning", "debug", "info", "error")


def _path(node: Node, what: str, mistakes: Mistakes) -> Path:
    return Path(filled(node, what, mistakes))


def _rules(node: Node, what: str, mistakes: Mistakes) -> Path | None:
    """None after a mistake: there is no file to look into."""
    written = filled(node, what, mistakes)
    return Path(written) if written else None


def _log_format(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, LOG_FORMATS)


def _exemplars(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, EXEMPLARS)


def _log_level(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, LOG_LEVELS)


def _bootstrap(node: Node, what: str, mistakes: Mistakes) -> str:
    try:
        return addresses(text(node, what, mistakes) or "a:1")  # what is no text is said already
    except ValueError as error:
        mistakes.add(node, f"{what} {error}")
        return ""


def _port(node: Node, what: str, mistakes: Mistakes) -> int:
    port = whole(node, what, mistakes)
    if port >= 1 << 16:
        mistakes.add(node, f"{what} must be less than 65536")
    return port


def _store(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, STORES)


KEYS: dict[str, tuple[str, Parse]] = {
    "bootstrap": ("bootstrap", _bootstrap),
    "id": ("id", topicnames.identity),
    "prefix": ("prefix", topicnames.prefix),
    "partitions": ("partitions", positive),
    "replication": ("replication", positive),
    "touchpoints": ("touchpoints", topicnames.other),
    "standby_replicas": ("standby_replicas", whole),
    "sources": ("sources", topicnames.names),
    "store": ("store", _store),
    "data_dir": ("data_dir", _path),
    "host": ("host", filled),
    "port": ("port", _port),
    "session_seconds": ("session_seconds", positive),
    "rules": ("rules_file", _rules),
    "outlets": ("outlets", outlets),
    "log_format": ("log_format", _log_format),
    "log_level": ("log_level", _log_level),
    "exemplars": ("exemplars", _exemplars),
    **securityfile.KEYS,
}
"""The names of the settings, and how each is read, by key."""
VARIABLES = {key: value for key, value in KEYS.items() if key != "outlets"} | securityfile.SECRETS
"""What the environment may say as well."""
