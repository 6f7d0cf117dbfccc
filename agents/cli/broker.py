"""``cxstream broker``: a Kafka broker for local work."""

import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from agents.brokers import open_broker


def broker(
    kind: Annotated[str, typer.Option(help="auto, docker, kafka (Java and Maven) or embedded.")] = "auto",
    address_file: Annotated[Path | None, typer.Option(help="Write the address here once the broker answers.")] = None,
) -> None:
    """Start a broker and keep it until Ctrl-C; its data goes with it."""
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with open_broker(kind) as running:
        if address_file is not None:
            address_file.write_text(running.bootstrap)
        typer.echo(f"{running.name} broker at {running.bootstrap}")
        if sys.stdout.isatty():
            typer.echo(f"In another terminal: export CXSTREAM_BOOTSTRAP={running.bootstrap}. Ctrl-C stops it.")
        ended.wait()
    typer.echo("broker stopped")
