"""Names of topics in the settings: what Kafka takes, and which are the application's own."""

import re
from collections.abc import Iterable, Iterator

from yaml.nodes import Node, ScalarNode

from stream.mapping.nodes import Mistakes, is_null, items, text

OWN = (
    "touchpoints",
    "cells",
    "metrics",
    "alerts",
    "handling",
    "alerts-open",
    "alerts-told",
    "journeys",
    "rejected",
)
"""What a deployment writes itself, without its prefix."""
TABLES = ("customers", "windows")
"""State tables, of which each has a changelog."""
_MOST = 249
_FIT = re.compile("[A-Za-z0-9._-]+")


def changelog(application: str, table: str) -> str:
    """The topic of a state table's changes; ``application`` is the setting `id`."""
    return f"{application}-{table}-changelog"


_MOST_OF_ID = _MOST - max(len(changelog("", table)) for table in TABLES)
_MOST_OF_PREFIX = _MOST - max(map(len, OWN))


def identity(node: Node, what: str, mistakes: Mistakes) -> str:
    """Begins the names of changelogs, and is a folder in `data_dir`."""
    return _name(node, what, mistakes, _MOST_OF_ID)


def prefix(node: Node, what: str, mistakes: Mistakes) -> str:
    """What names of topics begin with, or nothing."""
    return "" if _is_empty(node) else _name(node, what, mistakes, _MOST_OF_PREFIX, whole=False)


def other(node: Node, what: str, mistakes: Mistakes) -> str:
    """A topic that may take the place of an own one, or nothing."""
    return "" if _is_empty(node) else _name(node, what, mistakes)


def names(node: Node, what: str, mistakes: Mistakes) -> tuple[str, ...]:
    """One topic or a list of them."""
    return tuple(_name(item, what, mistakes) for item in items(node))


def looped(application: str, prefix: str, touchpoints: str, sources: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """What would feed an application with what it writes: the setting, the topic, and which of the setting's it is.

    >>> list(looped("cx", "eu.", "", ["chat", "eu.cells"]))
    [('sources', 'eu.cells', 1)]
    """
    written = {prefix + name for name in OWN[1:]} | {changelog(application, table) for table in TABLES}
    if touchpoints in written:
        yield "touchpoints", touchpoints, 0
    for number, name in enumerate(sources):
        if name in written | {touchpoints or prefix + OWN[0]}:
            yield "sources", name, number


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not is_null(node) and not node.value


def _name(node: Node, what: str, mistakes: Mistakes, most: int = _MOST, whole: bool = True) -> str:
    if not isinstance(node, ScalarNode) or is_null(node):
        return text(node, what, mistakes)
    name = str(node.value)
    if len(name) <= most and _FIT.fullmatch(name) and not (whole and name in (".", "..")):
        return name
    mistakes.add(node, f"{what} cannot be `{name}`: write 1 to {most} of A to Z, a to z, 0 to 9, `.`, `_` and `-`")
    return ""
