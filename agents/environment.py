"""Settings from the environment."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from stream.errors import ConfigError

_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "CXSTREAM_BOOTSTRAP": ("bootstrap", str),
    "CXSTREAM_ID": ("id", str),
    "CXSTREAM_PREFIX": ("prefix", str),
    "CXSTREAM_PARTITIONS": ("partitions", int),
    "CXSTREAM_STORE": ("store", str),
    "CXSTREAM_DATA_DIR": ("data_dir", Path),
    "CXSTREAM_HOST": ("host", str),
    "CXSTREAM_PORT": ("port", int),
    "CXSTREAM_SESSION_SECONDS": ("session_seconds", int),
    "CXSTREAM_RULES": ("rules_file", Path),
}


def from_environment(environment: Mapping[str, str], stores: Collection[str]) -> dict[str, Any]:
    """The values by the names of the settings. ``stores`` are the kinds there are.

    Raises:
        ConfigError: with all mistakes.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for variable, (name, convert) in _VARIABLES.items():
        if environment.get(variable):
            try:
                found[name] = convert(environment[variable])
            except ValueError:
                problems.append(f"{variable}: `{environment[variable]}` is not a number")
    if found.get("store", "memory") not in stores:
        problems.append(f"CXSTREAM_STORE: `{found['store']}` is not one of {', '.join(stores)}")
    if problems:
        raise ConfigError(problems)
    return found
