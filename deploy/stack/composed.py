"""What docker-compose.yml says of each service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::?-([^}]*))?\})")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Service:
    """One service. ``mounts`` are folders and files by where they are in the container; a volume is None there.

    ``image`` has no tag, and ``grace_s`` is how long it may take to end.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: Mapping[str, Path | None]
    grace_s: float


def services(file: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """All services of a compose file by their names, those of profiles too, with ``variables`` filled in."""
    found = yaml.safe_load(filled(file.read_text(), variables))
    return {name: _service(name, given, file.parent) for name, given in found["services"].items()}


def _service(name: str, given: Mapping[str, Any], folder: Path) -> Service:
    return Service(
        name,
        given["image"].rpartition(":")[0] or given["image"],
        tuple(given.get("command", ())),
        {key: str(value) for key, value in given.get("environment", {}).items()},
        dict(_mount(each, folder) for each in given.get("volumes", ())),
        _seconds(given.get("stop_grace_period", "10s")),
    )


def filled(text: str, variables: Mapping[str, str]) -> str:
    """With variables as compose fills them in: `${NAME}`, `${NAME:-where it is not set}`, `$$`."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "" if found[1] else "$", text)


def _mount(given: str | Mapping[str, Any], folder: Path) -> tuple[str, Path | None]:
    if isinstance(given, str):
        source, target = (given.split(":") if ":" in given else ("", given))[:2]
    else:
        source, target = given.get("source", ""), given["target"]
    return target, folder / source if source.startswith((".", "/")) else None


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))
