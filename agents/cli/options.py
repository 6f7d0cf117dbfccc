"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", envvar="CXSTREAM_BOOTSTRAP", help="Kafka brokers, host:port,host:port.")
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", envvar="CXSTREAM_SETTINGS", help="YAML file with the settings.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
