"""Settings from the environment: each setting of where a deployment runs is a variable as well."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from yaml import Mark
from yaml.nodes import Node, ScalarNode, SequenceNode

from stream.mapping.nodes import Mistakes

PREFIX = "CXSTREAM_"
_OTHERS = ("SETTINGS", "FAULTS", "REQUIRE")
_LIKE = 0.9
"""How like a variable must be to one of ours to be taken for a slip: what Kubernetes adds of itself is not."""
_NOWHERE = Mark("environment", 0, 0, 0, None, 0)
_STRING = "tag:yaml.org,2002:str"
Parse = Callable[[Node, str, Mistakes], Any]


class EnvironmentMistakes(Mistakes):
    """Mistakes that have a variable's name and no line."""

    def __init__(self) -> None:
        super().__init__("environment")

    def problems(self) -> list[str]:
        """All of them, by variable."""
        return [message for _, message in self._by_line()]


def from_environment(
    environment: Mapping[str, str], keys: Mapping[str, tuple[str, Parse]], mistakes: EnvironmentMistakes
) -> dict[str, Any]:
    """The values by the names of the settings: ``port`` is CXSTREAM_PORT. One that is empty counts as not there."""
    found: dict[str, Any] = {}
    variables = {PREFIX + key.upper(): parser for key, parser in keys.items()}
    known = (*variables, *(PREFIX + name for name in _OTHERS))
    for variable, value in environment.items():
        if variable in variables and value:
            name, parse = variables[variable]
            found[name] = parse(_node(value, name), f"{variable}:", mistakes)
        elif variable.startswith(PREFIX) and variable not in known:
            for close in get_close_matches(variable, known, 1, _LIKE):
                mistakes.add(_node(value, ""), f"{variable}: there is no such variable: did you mean {close}?")
    return found


def _node(value: str, name: str) -> Node:
    if name == "sources":
        parts = [_node(part.strip(), "") for part in value.split(",")]
        return SequenceNode("tag:yaml.org,2002:seq", parts, _NOWHERE, _NOWHERE)
    return ScalarNode(_STRING, value, _NOWHERE, _NOWHERE)
