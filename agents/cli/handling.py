"""``cxstream alerts ack``, ``silence``, ``silences`` and ``unsilence``: what people do about alerts."""

import getpass
import re
from secrets import token_hex
from typing import Annotated, Literal

import typer
from kafka import KafkaProducer
from kafka.errors import KafkaError
from msgspec import json
from msgspec.structs import replace
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agents.cli.alerts import Alerts
from agents.cli.options import Bootstrap, Format, SettingsFile
from agents.cli.standing import handlings
from agents.cli.tables import print_table
from agents.clock import now_ms
from agents.reader import printable, reading
from agents.settings import Settings, load
from agents.topics import unreachable
from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement, AnyHandling, Silence
from stream.desk.matcher import MatcherError, parse, says_something
from stream.errors import CxstreamError
from stream.slices import UNITS_MS, Calendar
from stream.spans import written

_PATIENCE_S = 15
By = Annotated[str | None, typer.Option("--by", help="Who does this; by default, the user of this machine.")]


def ack(
    fingerprint: Annotated[str, typer.Argument(help="The alert's fingerprint, or how it begins.")],
    by: By = None,
    note: Annotated[str, typer.Option(help="What there is to say.")] = "",
    assign: Annotated[str, typer.Option("--assign", help="Who sees to it.")] = "",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Acknowledge an alert that fires: it is not repeated, and not escalated."""
    settings = load(settings_file, bootstrap=bootstrap)
    alert = _found(fingerprint, settings)
    record = Acknowledgement(
        by=by or getpass.getuser(),
        fingerprint=alert.fingerprint,
        sequence=alert.sequence,
        at_ms=now_ms(),
        note=note,
        assignee=assign,
    )
    _write(settings, record)
    typer.echo(printable(f"acknowledged {alert.fingerprint}, {alert.alert}"))


def silence(
    matchers: Annotated[list[str], typer.Argument(help="Such as alertname=LowCsat region=~eu|us; all must fit.")],
    length: Annotated[str, typer.Option("--for", help="For how long: 30m, 2h, 7d.")],
    by: By = None,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Suppress alerts for some time, from now on."""
    found = tuple(map(parse, matchers))
    if not says_something(found):
        raise MatcherError("this would silence every alert: give a matcher that an empty value does not fit")
    settings, now = load(settings_file, bootstrap=bootstrap), now_ms()
    record = Silence(
        id=token_hex(4),
        by=by or getpass.getuser(),
        matchers=found,
        starts_ms=now,
        ends_ms=now + _duration_ms(length),
        comment=comment,
    )
    with reading(settings.cluster) as reader:
        reader.partitions(settings.topic("handling"))
    _write(settings, record)
    typer.echo(record.id)


def silences(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    output: Format = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """List the silences."""
    settings, now = load(settings_file, bootstrap=bootstrap), now_ms()
    found = [each for each in _silences(settings).values() if every or now < each.ends_ms]
    found.sort(key=lambda each: (each.ends_ms, each.id))
    if output == "json":
        typer.echo(json.encode(found))
        return
    table = Table("id", "state", "matchers", "starts", "ends", "by", "comment", box=SIMPLE_HEAD, pad_edge=False)
    calendar = settings.config.calendar
    for each in found:
        edges = (_edge(at_ms, calendar) for at_ms in (each.starts_ms, each.ends_ms))
        matchers = " ".join(map(str, each.matchers))
        cells = (each.id, _state(each, now), matchers, *edges, each.by, each.comment)
        table.add_row(*map(printable, cells))
    if found:
        print_table(table)
    else:
        typer.echo("there are no silences")


def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="As `cxstream alerts silences` shows it.")],
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """End a silence now."""
    settings, now = load(settings_file, bootstrap=bootstrap), now_ms()
    known = _silences(settings).get(silence_id)
    if known is None or known.ends_ms <= now:
        raise CxstreamError(f"there is no silence `{silence_id}` that is not over: see `cxstream alerts silences`")
    _write(settings, replace(known, starts_ms=min(now, known.starts_ms), ends_ms=now))
    typer.echo(f"ended {silence_id}")


def _found(beginning: str, settings: Settings) -> AnyAlert:
    known = Alerts()
    with reading(settings.cluster) as reader:
        for record in reader.read(settings.topic("alerts")):
            known.add(record)
        reader.partitions(settings.topic("handling"))
    fitting = [alert for alert in known.firing() if alert.fingerprint.startswith(beginning)]
    exact = [alert for alert in fitting if alert.fingerprint == beginning] or fitting
    if len(exact) != 1:
        what = "no alert fires" if not exact else f"{len(exact)} alerts fire"
        raise CxstreamError(f"{what} whose fingerprint begins with `{beginning}`: see `cxstream alerts --firing`")
    return exact[0]


def _silences(settings: Settings) -> dict[str, Silence]:
    with reading(settings.cluster) as reader:
        found = handlings(reader, settings).values()
    return {each.id: each for each in found if isinstance(each, Silence)}


def _state(each: Silence, now: int) -> Literal["pending", "active", "over"]:
    return "pending" if now < each.starts_ms else "active" if now < each.ends_ms else "over"


def _edge(at_ms: int, calendar: Calendar) -> str:
    """When a silence starts or ends; anyone may write any number to the topic."""
    try:
        return written(at_ms, calendar)
    except (ValueError, OverflowError, OSError):
        return "never" if at_ms > 0 else "always"


def _duration_ms(length: str) -> int:
    found = re.fullmatch(r"(\d{1,6})(s|m|h|d)", length)
    if found is None or int(found[1]) == 0:
        raise CxstreamError(f"--for must be a duration such as 30m, 2h or 7d, not `{length}`")
    return int(found[1]) * UNITS_MS[found[2]]


def _write(settings: Settings, record: AnyHandling) -> None:
    topic = settings.topic("handling")
    try:
        producer = KafkaProducer(**settings.cluster.for_kafka_python(), acks="all", bootstrap_timeout_ms=5_000)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(settings.cluster, error) from None
    try:
        producer.send(topic, key=record.key.encode(), value=json.encode(record)).get(timeout=_PATIENCE_S)
    except KafkaError as error:
        raise CxstreamError(f"{topic} does not take the record: {error}") from None
    finally:
        producer.close()
