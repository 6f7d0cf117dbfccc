"""Alerts in tables and lines: what is wrong, where or for whom, by how much, and how it stands."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.standing import state
from agents.cli.tables import print_table
from agents.reader import printable
from schemas.alert import AnyAlert, FrictionAlert, MetricAlert
from schemas.openalert import OpenAlert
from stream.friction import SIGNALS
from stream.metrics import UNITS
from stream.rules.shown import duration, shown
from stream.rules.wording import compared
from stream.slices import Calendar
from stream.spans import written

_EVIDENCE = 3
"""Touchpoints that are named of those that an alert rests on."""
Stands = Mapping[str, OpenAlert]
"""How alerts stand, by fingerprint."""


def print_alerts(found: list[AnyAlert], calendar: Calendar, when: str, stands: Stands) -> None:
    """Those about metrics, and after them those about customers; of those in ``stands``, how they stand."""
    metrics = [alert for alert in found if isinstance(alert, MetricAlert)]
    customers = [alert for alert in found if isinstance(alert, FrictionAlert)]
    if metrics:
        print_table(_metrics(metrics, calendar, when, stands))
    if customers:
        print_table(_friction(customers, calendar, when, stands))


def _friction(found: list[FrictionAlert], calendar: Calendar, when: str, stands: Stands) -> Table:
    """What is hard, for whom, how much, and by which touchpoints."""
    table = Table(when, "state", "severity", "friction", "customer", "about", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("value", justify="right")
    for name in ("bound", "get in touch by", "evidence", "where"):
        table.add_column(name)
    for alert in found:
        cells = alert.severity, alert.alert, alert.customer, alert.about or ""
        table.add_row(
            Text(written(alert.at_ms, calendar)),
            state(alert, stands.get(alert.fingerprint)),
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


def _metrics(found: list[MetricAlert], calendar: Calendar, when: str, stands: Stands) -> Table:
    table = Table(when, "state", "severity", "alert", "where", "metric", "window", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("value", "bound", "samples"):
        table.add_column(name, justify="right", no_wrap=True, style="dim" if name == "samples" else None)
    table.add_column("held for", justify="right", no_wrap=True)
    for alert in found:
        value = "–" if alert.value is None else _number(alert.value, alert)
        cells = (alert.severity, alert.alert, _where(alert), alert.metric, alert.window)
        table.add_row(
            Text(written(alert.at_ms, calendar)),
            state(alert, stands.get(alert.fingerprint)),
            *(Text(printable(cell)) for cell in cells),
            Text(value),
            Text(_condition(alert)),
            Text(f"{alert.samples:,}"),
            Text(duration((alert.at_ms - alert.since_ms) / 1000)),
        )
    return table


def line(alert: AnyAlert, calendar: Calendar) -> Text:
    """A transition in one line."""
    text = Text(f"{written(alert.at_ms, calendar)}  ")
    text.append(f"{state(alert).plain:<8}", state(alert).style)
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
