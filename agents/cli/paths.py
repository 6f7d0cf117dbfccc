"""``cxstream paths``: over which channels customers come to a purchase, and how they go from one to another."""

from typing import Annotated

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, Format, From, SettingsFile, To, Where, Window
from agents.cli.question import ask_once
from agents.cli.tables import bar, print_table
from agents.settings import load
from stream.metrics.handoffs import pairs
from stream.metrics.handoffs import paths as paths_of
from stream.rules.shown import shown


def paths(
    window: Window = None,
    start: From = None,
    end: To = None,
    where: Where = None,
    top: Annotated[int, typer.Option(min=1, help="So many of the most common paths.")] = 10,
    output: Format = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show the most common paths over channels to a purchase, and the handoffs between channels."""
    settings = load(settings_file, bootstrap=bootstrap)
    asked = ask_once(settings.config, window, (start, end), where or [])
    look = asked.look(settings, "paths")
    span, segment = look.span, asked.segment or ()
    reading = look.ledger.read(segment, span.start_ms, span.end_ms, span.by_day)
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
    typer.echo(look.said(segment, settings.config.calendar, "paths count by the day"))


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
