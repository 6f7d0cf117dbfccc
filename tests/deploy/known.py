"""What a deployment may say to the command `cxstream`: its arguments, and its environment."""

from collections.abc import Mapping, Sequence
from typing import Any

from typer.main import get_command

from agents.cli import app
from agents.settings import load
from stream.errors import ConfigError


def parse(arguments: Sequence[str]) -> None:
    """Read a command line as `cxstream` does, without doing anything.

    Raises:
        Exception: it would not take them, and says why.
    """
    program, name, *rest = arguments
    assert program == "cxstream"
    group: Any = get_command(app)
    group.commands[name].make_context(name, rest)


def unknown(environment: Mapping[str, object]) -> set[str]:
    """Variables that look like ours and that nothing reads: neither an option nor the settings are others by them."""
    group: Any = get_command(app)
    options = {option.envvar for command in group.commands.values() for option in command.params}
    ours = {name for name in environment if name.startswith("CXSTREAM_")}
    return {name for name in ours - options if not _says_something(name, str(environment[name]))}


def _says_something(name: str, value: str) -> bool:
    try:
        return load(None, {name: value}) != load(None, {})
    except ConfigError as error:
        return "no such variable" not in str(error)
