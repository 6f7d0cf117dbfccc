"""``cxstream worker``: fold touchpoints, keep metrics and alerts up to date, until stopped."""

import gc
from typing import Annotated

import faust
import typer
import uvloop

from agents import topics
from agents.cli.options import Bootstrap, SettingsFile
from agents.settings import load
from agents.worker import Worker
from stream.errors import CxstreamError


def worker(
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    port: Annotated[int | None, typer.Option(help="Port of /metrics, /healthz and /readyz; 0 is any.")] = None,
    store: Annotated[str | None, typer.Option(help="Where state lives: memory or rocksdb.")] = None,
    verbose: Annotated[bool, typer.Option(help="Log what Faust does.")] = False,
) -> None:
    """Run one worker. Start more with the same settings to share the partitions."""
    settings = load(settings_file, bootstrap=bootstrap, port=port, store=store)
    topics.ensure(settings)
    uvloop.install()
    running = Worker(settings)
    _settle_garbage_collector()
    process = _Process(running.app, loglevel="info" if verbose else "warn", logfile=None, redirect_stdouts=False)
    process.spinner = None
    process.execute_from_commandline()


class _Process(faust.Worker):
    """Faust's own, which shows the stack of what ended it; what we know of is said in a line."""

    def on_worker_shutdown(self) -> None:
        reason = self.app.crash_reason
        if isinstance(reason, CxstreamError):
            typer.echo(f"cxstream: {reason}", err=True)


def _settle_garbage_collector() -> None:
    """Batches make objects by the thousand and no cycles: look for these rarely, never at what start-up made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 50)
