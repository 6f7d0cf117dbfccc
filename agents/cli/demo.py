"""``cxstream demo``: the main job on an embedded broker, watched live."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import structlog
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.brokers import open_broker
from agents.cli.options import Json
from agents.demo import ALERT, Demo, minutes_after
from schemas.alert import MetricAlert
from schemas.metric import Metric

_ROWS = (
    ("CSAT, satisfied", "csat_satisfied_ratio", "15m"),
    ("CES, hard", "ces_hard_ratio", "1h"),
    ("NPS", "nps_score", "1h"),
    ("First contact resolution", "fcr_ratio", "1h"),
    ("Resolution time, mean", "resolution_mean_seconds", "1h"),
    ("Active today (DAU)", "active_customers", "day"),
    ("Active in 30 days (MAU)", "active_customers", "30d"),
)
_CHANNELS = ("web", "app", "chat", "phone", "email")
_LINE_EVERY_S = 10.0
_MOST_SIGNALS = 6
"""Signals of friction that are named in the end, those of the most customers."""


def demo(
    as_json: Json = False,
    broker: Annotated[str, typer.Option(help="embedded, kafka, docker or auto.")] = "embedded",
    seed: Annotated[int, typer.Option(help="Of the simulated customers.")] = 7,
    customers: Annotated[int, typer.Option(min=500, help="Simulated customers.")] = 2_000,
) -> None:
    """Simulate 46 minutes in 46 seconds: the web checkout breaks for 8 of them, an alert fires and resolves."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    began = time.monotonic()
    console = Console(stderr=as_json)
    with open_broker(broker) as running:
        show = Demo(running, seed, customers)
        _introduce(console, running.name, running.bootstrap, show)
        if console.is_terminal and not as_json:
            with Live(console=console, refresh_per_second=5, get_renderable=lambda: _board(show)) as live:
                show.run(live.refresh)
        else:
            show.run(_Lines(console, show, began).print)
        summary = _summary(show, running.name, time.monotonic() - began)
    if as_json:
        typer.echo(orjson.dumps(summary))
    else:
        _conclude(console, summary)


def _introduce(console: Console, name: str, bootstrap: str, show: Demo) -> None:
    console.print(f"{name} broker at {bootstrap}; one worker, Prometheus metrics at {show.url}/metrics", soft_wrap=True)
    console.print(
        f"{show.customers:,} customers, 46 minutes in 46 seconds. "
        f"The web checkout breaks at {_clock(show.incident.start_ms)}, "
        f"and works again at {_clock(show.incident.end_ms)}.",
        soft_wrap=True,
    )


def _board(show: Demo) -> Group:
    """The live picture: metrics by channel, then alerts."""
    seen = show.seen
    table = Table("", "window", "all", *_CHANNELS, title=f"{_clock(seen.as_of_ms)}  {seen.sent:,} touchpoints")
    for column in table.columns[2:]:
        column.justify = "right"
    for label, name, window in _ROWS:
        cells = [_value(seen.metric(name, window))]
        cells += [_value(seen.metric(name, window, channel=channel)) for channel in _CHANNELS]
        table.add_row(label, window, *cells)
    return Group(table, *(_alert(alert) for alert in seen.alerts[-6:]))


class _Lines:
    """The same for a log: a line now and then, and each alert as it comes."""

    def __init__(self, console: Console, show: Demo, began: float) -> None:
        self._console, self._show, self._next = console, show, began
        self._alerts = 0

    def print(self) -> None:
        seen = self._show.seen
        for alert in seen.alerts[self._alerts :]:
            self._console.print(_alert(alert), soft_wrap=True)
        self._alerts = len(seen.alerts)
        if seen.as_of_ms and time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_EVERY_S
            values = ", ".join(f"{label} {_value(seen.metric(name, window))}" for label, name, window in _ROWS[:6])
            self._console.print(f"{_clock(seen.as_of_ms)}  {seen.sent:,} touchpoints  {values}", soft_wrap=True)


def _alert(alert: MetricAlert) -> Text:
    style = "green" if alert.state == "resolved" else "bold red"
    where = ", ".join(f"{name}={value}" for name, value in alert.labels.items()) or "everywhere"
    value = "no data" if alert.value is None else f"{alert.value:.2f} over {alert.samples}"
    what = f"{alert.alert} ({where}): {alert.metric} {value}, alert {alert.condition} {alert.bound:g}"
    return Text(f"{_clock(alert.at_ms)}  {alert.state.upper():9} {what}", style)


def _value(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return "-"
    if metric.unit == "ratio":
        return f"{metric.value:.0%}"
    if metric.unit == "seconds":
        return f"{metric.value / 60:.1f} min"
    return f"{metric.value:,.0f}" if metric.unit == "customers" else f"{metric.value:.1f}"


def _clock(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M:%S") if time_ms else "--:--:--"


def _summary(show: Demo, broker: str, seconds: float) -> dict[str, Any]:
    transitions = [alert for alert in show.seen.alerts if alert.alert == ALERT]
    fired = next(alert for alert in transitions if alert.state == "firing")
    resolved = next(alert for alert in transitions if alert.state == "resolved")
    metrics = {
        f"{name}[{window}]": {"value": metric.value, "samples": metric.samples}
        for _, name, window in _ROWS
        if (metric := show.seen.metric(name, window)) is not None
    }
    return {
        "broker": broker,
        "bootstrap": show.settings.bootstrap,
        "touchpoints": show.seen.sent,
        "seconds": round(seconds, 1),
        "incident": {"kind": show.incident.kind, "start": show.incident.start_ms, "end": show.incident.end_ms},
        "alert": {
            "name": ALERT,
            "labels": fired.labels,
            "fired": fired.at_ms,
            "fired_minutes_after_start": minutes_after(fired, show.incident.start_ms),
            "resolved": resolved.at_ms,
            "resolved_minutes_after_end": minutes_after(resolved, show.incident.end_ms),
        },
        "alerts": len(show.seen.alerts),
        "friction": dict(show.seen.friction.most_common()),
        "metrics": metrics,
    }


def _conclude(console: Console, summary: dict[str, Any]) -> None:
    alert = summary["alert"]
    most = ", ".join(f"{name} {number:,}" for name, number in list(summary["friction"].items())[:_MOST_SIGNALS])
    console.print(f"Friction, by how many customers an alert fired for: {most}.", soft_wrap=True)
    console.print(
        f"{summary['touchpoints']:,} touchpoints in {summary['seconds']:.0f} s. {alert['name']} fired "
        f"{alert['fired_minutes_after_start']} min after the checkout broke and resolved "
        f"{alert['resolved_minutes_after_end']} min after it was mended (both read back from the alerts topic).",
        soft_wrap=True,
    )
