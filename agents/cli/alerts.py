"""``cxstream alerts``: what is firing now, what changed last, and what changes as it happens."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import typer
from msgspec import DecodeError, json
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.tables import print_table
from agents.reader import KafkaRecord, printable, reading
from agents.settings import load
from schemas.alert import AnyAlert, FrictionAlert, MetricAlert, decode_alert
from stream.errors import CxstreamError
from stream.friction import SIGNALS
from stream.metrics import UNITS
from stream.shown import duration, shown
from stream.slices import Calendar
from stream.spans import written
from stream.wording import compared

_EVIDENCE = 3
"""Touchpoints that are named of those that an alert rests on."""
_STYLES = {"firing": "bold red", "resolved": "green"}


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
            if known is None or _order(alert) > _order(known):
                last[alert.fingerprint] = alert
        return sorted((alert for alert in last.values() if alert.state == "firing"), key=lambda alert: alert.at_ms)

    def latest(self, number: int) -> list[AnyAlert]:
        """The last transitions by event time, the latest last."""
        return sorted(self.transitions.values(), key=lambda alert: alert.at_ms)[
            max(0, len(self.transitions) - number) :
        ]


def alerts(
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
    if follow and firing:
        raise CxstreamError("--firing is how things stand now, --follow what happens: give one of them")
    settings = load(settings_file, bootstrap=bootstrap)
    known, calendar = Alerts(), settings.config.calendar
    with reading(settings.bootstrap) as reader:
        for record in reader.read(settings.topic("alerts")):
            known.add(record)
        if follow:
            _follow(known, last, reader.follow(), output, calendar)
            return
    if output == "json":
        transitions = {} if firing else {"transitions": known.latest(last)}
        typer.echo(json.encode({"firing": known.firing(), **transitions}))
    else:
        _show(known, 0 if firing else last, calendar)


def _follow(known: Alerts, last: int, records: Iterable[KafkaRecord], output: str, calendar: Calendar) -> None:
    """The last transitions, then each new one, a line each."""
    console = Console()
    try:
        for alert in _one_by_one(known, last, records):
            if output == "json":
                typer.echo(json.encode(alert))
            else:
                console.print(_line(alert, calendar), soft_wrap=True)
    except KeyboardInterrupt:
        return


def _one_by_one(known: Alerts, last: int, records: Iterable[KafkaRecord]) -> Iterator[AnyAlert]:
    yield from known.latest(last)
    yield from (alert for record in records if (alert := known.add(record)) is not None)


def _show(known: Alerts, last: int, calendar: Calendar) -> None:
    console = Console()
    burning = known.firing()
    console.print(Text(f"{len(burning)} firing" if burning else "nothing is firing", "bold" if burning else "green"))
    if burning:
        _print(burning, calendar, "firing since")
    if last and known.transitions:
        latest = known.latest(last)
        console.print(Text(f"the last {len(latest)} of {len(known.transitions):,} transitions", "dim"))
        _print(latest, calendar, "at")
    if known.foreign:
        typer.echo(f"alerts: left out {known.foreign:,} records that are no alerts", err=True)


def _print(found: list[AnyAlert], calendar: Calendar, when: str) -> None:
    """Those about metrics, and after them those about customers."""
    metrics = [alert for alert in found if isinstance(alert, MetricAlert)]
    customers = [alert for alert in found if isinstance(alert, FrictionAlert)]
    if metrics:
        print_table(_table(metrics, calendar, when))
    if customers:
        print_table(_friction(customers, calendar, when))


def _friction(found: list[FrictionAlert], calendar: Calendar, when: str) -> Table:
    """What is hard, for whom, how much, and by which touchpoints."""
    table = Table(when, "state", "severity", "friction", "customer", "about", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("value", justify="right")
    for name in ("bound", "get in touch by", "evidence", "where"):
        table.add_column(name)
    for alert in found:
        cells = alert.severity, alert.alert, alert.customer, alert.about or ""
        table.add_row(
            Text(written(alert.at_ms, calendar)),
            Text(alert.state, _STYLES[alert.state]),
            *(Text(printable(cell)) for cell in cells),
            Text(_number(alert.value, alert)),
            Text(printable(_condition(alert))),
            Text("" if alert.due_ms is None else written(alert.due_ms, calendar)),
            Text(printable(_evidence(alert))),
            Text(printable(_where(alert))),
        )
    return table


def _evidence(alert: FrictionAlert) -> str:
    """The last touchpoints that it rests on, each by its type and id."""
    last = alert.evidence[-_EVIDENCE:]
    more = len(alert.evidence) - len(last)
    return ", ".join(f"{each.type} {each.id}" for each in last) + (f" and {more} before" if more else "")


def _table(found: list[MetricAlert], calendar: Calendar, when: str) -> Table:
    table = Table(when, "state", "severity", "alert", "where", "metric", "window", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("value", "bound", "samples"):
        table.add_column(name, justify="right", no_wrap=True, style="dim" if name == "samples" else None)
    table.add_column("held for", justify="right", no_wrap=True)
    for alert in found:
        value = "–" if alert.value is None else _number(alert.value, alert)
        cells = (alert.severity, alert.alert, _where(alert), alert.metric, alert.window)
        table.add_row(
            Text(written(alert.at_ms, calendar)),
            Text(alert.state, _STYLES[alert.state]),
            *(Text(printable(cell)) for cell in cells),
            Text(value),
            Text(_condition(alert)),
            Text(f"{alert.samples:,}"),
            Text(duration((alert.at_ms - alert.since_ms) / 1000)),
        )
    return table


def _line(alert: AnyAlert, calendar: Calendar) -> Text:
    text = Text(f"{written(alert.at_ms, calendar)}  ")
    text.append(f"{alert.state:<8}", _STYLES[alert.state])
    told = _told(alert) if isinstance(alert, MetricAlert) else _told_of_friction(alert, calendar)
    return text.append(printable(f"  {alert.alert} ({_where(alert)}, {alert.severity}): {told}"))


def _told(alert: MetricAlert) -> str:
    value = "no data" if alert.value is None else f"{_number(alert.value, alert)} over {alert.samples:,}"
    reason = f", {alert.reason}" if alert.reason else ""
    return f"{alert.metric} {value} in {alert.window}, alert {_condition(alert)}{reason}"


def _told_of_friction(alert: FrictionAlert, calendar: Calendar) -> str:
    about = "" if alert.about is None else f" about {alert.about}"
    why = "".join(f" ({text})" for text in alert.annotations.values())
    due = "" if alert.due_ms is None else f", get in touch by {written(alert.due_ms, calendar)}"
    value = f"{_number(alert.value, alert)}, alert {_condition(alert)}"
    return f"{alert.customer}{about}: {value}{why}{due}, by {_evidence(alert)}"


def _condition(alert: AnyAlert) -> str:
    if isinstance(alert, MetricAlert):
        bound = compared(alert.bound, alert.of, UNITS.get(alert.metric, "score"))
        what = "" if alert.of == "value" else f"{alert.of.replace('_', ' ')} "
        return f"{what}{'>' if alert.condition == 'above' else '<'} {bound}"
    signal = SIGNALS.get(alert.alert)
    if signal is None:  # it is of another release
        return _number(alert.bound, alert)
    return f"{signal.sign} {_number(alert.bound, alert)} {signal.unit}"


def _number(value: float, alert: AnyAlert) -> str:
    return shown(value, UNITS.get(alert.metric, "score")) if isinstance(alert, MetricAlert) else f"{value:g}"


def _where(alert: AnyAlert) -> str:
    return ", ".join(f"{name}={value}" for name, value in alert.labels.items()) or "everywhere"


def _order(alert: AnyAlert) -> tuple[int, bool]:
    """Of one alert's transitions, the later has the larger: fired, resolved, fired again."""
    return alert.sequence, alert.state == "resolved"
