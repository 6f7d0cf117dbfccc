"""``cxstream paths``: over which channels customers come to a purchase, and how they go from one to another."""

from typing import Annotated, Literal

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.question import ask, label
from agents.cli.tables import bar, print_table, shown
from agents.clock import now_ms
from agents.settings import load
from stream.metrics.handoffs import pairs
from stream.metrics.handoffs import paths as paths_of
from stream.spans import written


def paths(
    window: Annotated[str | None, typer.Option(help="Window to read: 30d by default, 7d, day, week, month.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Begin of a range: 2026-03-29.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the range, itself not in it.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only this segment: region=eu.")] = None,
    top: Annotated[int, typer.Option(min=1, help="So many of the most common paths.")] = 10,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show the most common paths over channels to a purchase, and the handoffs between channels."""
    settings = load(settings_file, bootstrap=bootstrap)
    calendar = settings.config.calendar
    asked = ask(settings.config, [window] if window else [], (start, end), where or [], usual=("30d",))
    ledger = asked.read(settings, "paths")
    latest_ms = ledger.latest_ms or now_ms()
    (span,) = asked.spans(calendar, latest_ms)
    ledger.check(span)
    segment = asked.segment or ()
    reading = ledger.read(segment, span.start_ms, span.end_ms, span.by_day)
    taken = sorted(paths_of(reading).items(), key=lambda item: (-item[1], item[0]))
    handoffs = sorted(pairs(reading).items(), key=lambda item: (-item[1], item[0]))
    if output == "json":
        what = {
            "from": span.start_ms,
            "to": span.end_ms,
            "segment": dict(segment),
            "paths": [{"channels": channels, "purchases": number} for channels, number in taken[:top]],
            "purchases": sum(number for _, number in taken),
            "handoffs": [{"from": before, "to": to, "handoffs": number} for (before, to), number in handoffs],
        }
        typer.echo(orjson.dumps(what))
        return
    _show("path to a purchase", "purchases", [(" → ".join(channels), number) for channels, number in taken], top)
    _show("handoff", "handoffs", [(f"{before} → {to}", number) for (before, to), number in handoffs], top)
    stretch = f"{label(segment)}, {written(span.start_ms, calendar)} to {written(span.end_ms, calendar)}"
    typer.echo(f"{stretch}; paths count by the day; events up to {written(latest_ms, calendar)}")


def _show(title: str, of: str, rows: list[tuple[str, int]], top: int) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column(of, justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    total = sum(number for _, number in rows)
    for name, number in rows[:top]:
        table.add_row(name, f"{number:,}", shown(number / total, "ratio"), Text(bar(number, rows[0][1]), "cyan"))
    if len(rows) > top:
        rest = sum(number for _, number in rows[top:])
        table.add_row(Text(f"{len(rows) - top} others", "dim"), f"{rest:,}", shown(rest / total, "ratio"), "")
    print_table(table)
