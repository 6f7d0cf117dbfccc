"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", envvar="CXSTREAM_BOOTSTRAP", help="Kafka brokers, host:port,host:port.")
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", envvar="CXSTREAM_SETTINGS", help="YAML file with the settings.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Window = Annotated[str | None, typer.Option(help="Window to read: 30d by default, any length, day, week, month.")]
From = Annotated[str | None, typer.Option("--from", help="Begin of a range: 2026-03-29, or a time.")]
To = Annotated[str | None, typer.Option("--to", help="End of the range, itself not in it.")]
Where = Annotated[list[str] | None, typer.Option(help="Only this segment: region=eu.")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")]
FormatOrCsv = Annotated[
    Literal["table", "json", "csv"], typer.Option("--format", help="For people, programs or spreadsheets.")
]
