"""What a deployment may say to the command `cxstream`: its arguments, and its environment."""

from collections.abc import Mapping, Sequence
from typing import Any

from typer.main import get_command

from agents.cli import app
from agents.environment import _VARIABLES


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
    """Variables that look like ours, and that nothing reads."""
    group: Any = get_command(app)
    read = {option.envvar for command in group.commands.values() for option in command.params}
    return {name for name in environment if name.startswith("CXSTREAM_")} - _VARIABLES.keys() - read
