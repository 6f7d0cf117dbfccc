"""``cxstream worker``: fold touchpoints, keep metrics and alerts up to date, until stopped."""

import gc
from typing import Annotated, Literal

import faust
import typer
import uvloop

from agents import logs, parting, topics
from agents.cli.options import Bootstrap, LogFormat, SettingsFile
from agents.settings import load
from agents.worker import Worker
from stream.errors import CxstreamError


def worker(
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    port: Annotated[int | None, typer.Option(help="Port of /metrics, /healthz and /readyz; 0 is any.")] = None,
    store: Annotated[Literal["memory", "rocksdb"] | None, typer.Option(help="Where state lives.")] = None,
    log_format: LogFormat = None,
    verbose: Annotated[bool, typer.Option(help="Log what Faust does.")] = False,
) -> None:
    """Run one worker. Start more with the same settings to share the partitions."""
    settings = load(settings_file, bootstrap=bootstrap, port=port, store=store, log_format=log_format)
    logs.configure(settings.log_format, "info" if verbose else settings.log_level, worker=settings.own_name)
    topics.ensure(settings)
    uvloop.install()
    running = Worker(settings)
    _settle_garbage_collector()
    process = _Process(running.app, quiet=True, override_logging=False, redirect_stdouts=False)
    process.spinner = None
    process.execute_from_commandline()


class _Process(faust.Worker):
    """Faust's own, which shows the stack of what ended it in its logs; what we know of is said in a line."""

    def install_signal_handlers(self) -> None:
        super().install_signal_handlers()
        parting.limit()

    def on_worker_shutdown(self) -> None:
        reason = self.app.crash_reason
        if isinstance(reason, CxstreamError):
            logs.complain(str(reason))


def _settle_garbage_collector() -> None:
    """Batches make objects by the thousand and no cycles: look for these rarely, never at what start-up made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 50)
