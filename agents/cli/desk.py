"""``cxstream desk``: keep what is open in view, escalate, and tell outlets, until stopped."""

import asyncio
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from agents import logs, topics
from agents.cli.options import Bootstrap, LogFormat, SettingsFile
from agents.desk.process import DeskProcess
from agents.outletfile import check_variables
from agents.settings import load
from agents.topics import unreachable


def desk(
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    port: Annotated[int | None, typer.Option(help="Port of /metrics, /healthz and /readyz; 0 is any.")] = None,
    log_format: LogFormat = None,
) -> None:
    """Run a desk: it escalates alerts and tells outlets. A second one stands by."""
    settings = load(settings_file, bootstrap=bootstrap, port=port, log_format=log_format)
    logs.configure(settings.log_format, settings.log_level, worker=settings.own_name)
    check_variables(settings.outlets)
    topics.ensure(settings)
    try:
        asyncio.run(DeskProcess(settings).run())
    except KafkaError as error:
        raise unreachable(settings.cluster, error) from None
