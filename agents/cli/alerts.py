"""``cxstream alerts``: what is firing now, what changed last, and what changes as it happens."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

import typer
from msgspec import DecodeError, json
from rich.console import Console
from rich.text import Text

from agents.cli.alerttables import line, print_alerts
from agents.cli.options import Bootstrap, SettingsFile, refuse_options
from agents.cli.standing import handlings, standing
from agents.reader import KafkaRecord, reading
from agents.settings import load
from schemas.alert import AnyAlert, decode_alert
from schemas.openalert import OpenAlert
from stream.errors import CxstreamError
from stream.slices import Calendar


class Alerts:
    """The alerts on a topic. A transition counts once, however often a worker has sent it."""

    def __init__(self) -> None:
        self.transitions: dict[str, AnyAlert] = {}
        self.foreign = 0

    def add(self, record: KafkaRecord) -> AnyAlert | None:
        """The transition that a record brings; None where it is known, or is none."""
        if record.value is None:
            return None
        try:
            alert = decode_alert(record.value)
        except DecodeError:
            self.foreign += 1
            return None
        if alert.id in self.transitions:
            return None
        self.transitions[alert.id] = alert
        return alert

    def firing(self) -> list[AnyAlert]:
        """Those whose last transition is to firing, the oldest first."""
        last: dict[str, AnyAlert] = {}
        for alert in self.transitions.values():
            known = last.get(alert.fingerprint)
            if known is None or alert.order > known.order:
                last[alert.fingerprint] = alert
        return sorted((alert for alert in last.values() if alert.state == "firing"), key=lambda alert: alert.at_ms)

    def latest(self, number: int) -> list[AnyAlert]:
        """The last transitions by event time, the latest last."""
        return sorted(self.transitions.values(), key=lambda alert: alert.at_ms)[
            max(0, len(self.transitions) - number) :
        ]


def alerts(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    firing: Annotated[bool, typer.Option("--firing", help="Only what is firing now.")] = False,
    last: Annotated[int, typer.Option(min=0, help="How many of the last transitions to show.")] = 20,
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", help="json is one object, or a line each with --follow.")
    ] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show what is firing now and the last transitions, from the alerts topic."""
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    if follow and firing:
        raise CxstreamError("--firing is how things stand now, --follow what happens: give one of them")
    settings = load(settings_file, bootstrap=bootstrap)
    known, calendar = Alerts(), settings.config.calendar
    with reading(settings.cluster) as reader:
        for record in reader.read(settings.topic("alerts")):
            known.add(record)
        if follow:
            _follow(known, last, reader.follow(), output, calendar)
            return
        stands = standing(known.firing(), handlings(reader, settings), settings)
    if output == "json":
        transitions = {} if firing else {"transitions": known.latest(last)}
        typer.echo(json.encode({"firing": known.firing(), **transitions, "open": list(stands.values())}))
    else:
        _show(known, 0 if firing else last, calendar, stands)


def _follow(known: Alerts, last: int, records: Iterable[KafkaRecord], output: str, calendar: Calendar) -> None:
    """The last transitions, then each new one, a line each."""
    console = Console()
    try:
        for alert in _one_by_one(known, last, records):
            if output == "json":
                typer.echo(json.encode(alert))
            else:
                console.print(line(alert, calendar), soft_wrap=True)
    except KeyboardInterrupt:
        return


def _one_by_one(known: Alerts, last: int, records: Iterable[KafkaRecord]) -> Iterator[AnyAlert]:
    yield from known.latest(last)
    yield from (alert for record in records if (alert := known.add(record)) is not None)


def _show(known: Alerts, last: int, calendar: Calendar, stands: Mapping[str, OpenAlert]) -> None:
    console = Console()
    burning = known.firing()
    console.print(Text(f"{len(burning)} firing" if burning else "nothing is firing", "bold" if burning else "green"))
    if burning:
        print_alerts(burning, calendar, "firing since", stands)
    if last and known.transitions:
        latest = known.latest(last)
        console.print(Text(f"the last {len(latest)} of {len(known.transitions):,} transitions", "dim"))
        print_alerts(latest, calendar, "at", {})
    if known.foreign:
        typer.echo(f"alerts: left out {known.foreign:,} records that are no alerts", err=True)
