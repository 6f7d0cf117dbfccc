"""The command `cxstream`."""

import sys

import structlog
import typer

from agents.brokers import BrokerError
from agents.cli.alerts import alerts
from agents.cli.broker import broker
from agents.cli.demo import demo
from agents.cli.metrics import metrics
from agents.cli.rejected import rejected
from agents.cli.replay import replay
from agents.cli.simulate import simulate
from agents.cli.status import status
from agents.cli.topics import topics
from agents.cli.worker import worker
from stream.errors import CxstreamError

app = typer.Typer(
    name="cxstream",
    help="Customer experience from event streams: journeys, metrics and alerts, exact and in real time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (demo, worker, broker, topics, simulate, replay, metrics, alerts, rejected, status):
    app.command()(command)


def main() -> None:
    """Run a command; what is wrong is said in a line, not in a stack trace."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        app()
    except (CxstreamError, BrokerError) as error:
        typer.echo(f"cxstream: {error}", err=True)
        raise SystemExit(1) from None
