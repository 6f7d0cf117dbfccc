"""The command `cxstream`."""

import os

import typer
from aiokafka.errors import KafkaError as AiokafkaError
from kafka.errors import KafkaError

from agents import logs
from agents.brokers import BrokerError
from agents.cli import (
    alerts,
    backlog,
    broker,
    cohorts,
    compare,
    demo,
    desk,
    experience,
    explain,
    funnel,
    handling,
    journey,
    metrics,
    paths,
    rejected,
    replay,
    rules,
    simulate,
    size,
    status,
    topics,
    worker,
)
from stream.errors import CxstreamError

app = typer.Typer(
    name="cxstream",
    help="Customer experience from event streams: journeys, metrics and alerts, exact and in real time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    demo.demo,
    worker.worker,
    desk.desk,
    broker.broker,
    topics.topics,
    simulate.simulate,
    replay.replay,
    metrics.metrics,
    journey.journey,
    funnel.funnel,
    paths.paths,
    cohorts.cohorts,
    experience.experience,
    backlog.backlog,
    explain.explain,
    compare.compare,
    rejected.rejected,
    status.status,
    size.size,
):
    app.command()(command)
handled = typer.Typer(invoke_without_command=True, callback=alerts.alerts)
for own in (handling.ack, handling.silence, handling.silences, handling.unsilence):
    handled.command()(own)
app.add_typer(handled, name="alerts")
app.add_typer(rules.rules)


def main() -> None:
    """Run a command; what is wrong is said in a line, not in a stack trace."""
    # What clients warn of while they try is in the error that comes of it. Services have it logged as well.
    logs.configure(os.environ.get("CXSTREAM_LOG_FORMAT", "text"), "critical")
    try:
        # For people, Typer puts what is wrong with arguments in a box and ends by itself.
        code = app(standalone_mode=not logs.is_json())
    except typer.TyperException as error:
        logs.complain(error.format_message() or "no command is given: see `cxstream --help`")
        raise SystemExit(error.exit_code) from None
    except (CxstreamError, BrokerError) as error:
        logs.complain(str(error))
        raise SystemExit(1) from None
    except (KafkaError, AiokafkaError) as error:
        logs.complain(f"Kafka refuses: {error or type(error).__name__}")
        raise SystemExit(1) from None
    raise SystemExit(code)
