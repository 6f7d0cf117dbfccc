"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.errors import CxstreamError

Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", envvar="CXSTREAM_BOOTSTRAP", help="Kafka brokers, host:port,host:port.")
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", envvar="CXSTREAM_SETTINGS", help="YAML file with the settings.")
]
LogFormat = Annotated[Literal["text", "json"] | None, typer.Option(help="How to log: for people or programs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Window = Annotated[str | None, typer.Option(help="Window to read: 30d by default, any length, day, week, month.")]
From = Annotated[str | None, typer.Option("--from", help="Begin of a range: 2026-03-29, or a time.")]
To = Annotated[str | None, typer.Option("--to", help="End of the range, itself not in it.")]
Where = Annotated[list[str] | None, typer.Option(help="Only this segment: region=eu.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")]
FormatOrCsv = Annotated[
    Literal["table", "json", "csv"], typer.Option("--format", help="For people, programs or spreadsheets.")
]


def refuse_options(context: typer.Context) -> None:
    """Options of a group are for when it is used bare; before a command of its they would count for nothing.

    Raises:
        CxstreamError: there are some.
    """
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        raise CxstreamError(f"give options after `{context.invoked_subcommand}`, not before it: {', '.join(given)}")
