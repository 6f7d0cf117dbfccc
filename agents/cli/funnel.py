"""``cxstream funnel``: how many customers came to each stage of their journey, and how many went on."""

from typing import Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, Format, From, SettingsFile, To, Where, Window
from agents.cli.question import ask_once
from agents.cli.tables import bar, print_table
from agents.settings import load
from stream.funnel import funnel as rungs_of
from stream.funnel import standing
from stream.metrics import Reading
from stream.metrics.stages import Stages, transitions
from stream.rules.shown import shown
from stream.stages import LAPSED, PRESETS


def funnel(
    window: Window = None,
    start: From = None,
    end: To = None,
    where: Where = None,
    output: Format = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show the stages of customers' journeys: how many came to each, went on, or lapsed, and are there now."""
    settings = load(settings_file, bootstrap=bootstrap)
    config = settings.config
    asked = ask_once(config, window, (start, end), where or [])
    look = asked.look(settings, "funnel")
    ledger, span, segment = look.ledger, look.span, asked.segment or ()
    reading = ledger.read(segment, span.start_ms, span.end_ms, span.by_day)
    rungs = rungs_of(transitions(reading), PRESETS[config.stages])
    balance = standing(transitions(Reading(ledger.all(segment))))
    there = balance if min(balance.values(), default=0) >= 0 else None
    if there is None:
        typer.echo("funnel: customers change between such segments, so that nobody is in one for good", err=True)
    medians = Stages().read(reading)
    found: list[dict[str, Any]] = []
    for rung in rungs:
        median = medians.get(f"stage_{rung.stage}_p50_seconds")
        found.append(
            {
                "stage": rung.stage,
                "now": None if there is None else there.get(rung.stage, 0),
                "reached": rung.reached,
                "went_on": rung.went_on,
                "lapsed": rung.lapsed,
                "conversion": rung.conversion,
                "median_seconds": None if median is None else median.value,
            }
        )
    lapsed_now = None if there is None else there.get(LAPSED, 0)
    if output == "json":
        what = {"from": span.start_ms, "to": span.end_ms, "segment": dict(segment), "stages": found}
        typer.echo(orjson.dumps(what | {"lapsed_now": lapsed_now}))
        return
    _show(found, lapsed_now)
    typer.echo(look.said(segment, config.calendar))


def _show(found: list[dict[str, Any]], lapsed_now: int | None) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("reached", "", "to the next", "lapsed", "median time", "there now"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    most = max((row["reached"] for row in found), default=0)
    for row in found:
        table.add_row(
            row["stage"],
            f"{row['reached']:,}",
            Text(bar(row["reached"], most), "cyan"),
            "" if row["conversion"] is None else shown(row["conversion"], "ratio"),
            f"{row['lapsed']:,}",
            "–" if row["median_seconds"] is None else shown(row["median_seconds"], "seconds"),
            _number(row["now"]),
        )
    table.add_row(Text(LAPSED, "dim"), "", "", "", "", "", _number(lapsed_now))
    print_table(table)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
