"""``cxstream backlog``: tickets that are open, and for how long they have been."""

import csv
import sys
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, FormatOrCsv, SettingsFile, Where
from agents.cli.question import ask, label
from agents.cli.tables import bar, print_table
from agents.clock import now_ms
from agents.settings import load
from stream.backlog import backlog as backlog_of
from stream.spans import moment, range_span, written


def backlog(
    at: Annotated[str | None, typer.Option(help="At the end of this day; of the latest event's by default.")] = None,
    where: Where = None,
    output: FormatOrCsv = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show how many tickets are open, and their ages: since how many days they have been."""
    settings = load(settings_file, bootstrap=bootstrap)
    calendar = settings.config.calendar
    asked = ask(settings.config, [], (None, None), where or [])
    ledger = asked.read(settings, "backlog")
    latest_ms = ledger.latest_ms or now_ms()
    start_ms = calendar.day_start_ms(latest_ms if at is None else moment(at, calendar)[0])
    ledger.check(range_span(start_ms, calendar.day_end_ms(start_ms), calendar))
    day, segment = calendar.day_number(start_ms), asked.segment or ()
    found = backlog_of(ledger.days(segment), day)
    if found.untold:
        said = f"{found.untold:,} tickets were resolved before ages were counted: they are taken for open"
        typer.echo(f"backlog: {said}", err=True)
    if output == "csv":
        _write(day, found.ages)
        return
    oldest = max(found.ages, default=None)
    ages = {
        "p50_days": found.quantile(Fraction(1, 2)),
        "p90_days": found.quantile(Fraction(9, 10)),
        "oldest_days": oldest,
    }
    if output == "json":
        what: dict[str, Any] = {"at": date.fromordinal(day).isoformat(), "segment": dict(segment)}
        parts = [{"from_days": first, "to_days": last, "tickets": n} for first, last, n in found.histogram()]
        typer.echo(orjson.dumps(what | {"open": found.tickets} | ages | {"ages": parts}))
        return
    if oldest is not None:
        _show(found.histogram())
        since = date.fromordinal(day - oldest).isoformat()
        typer.echo(
            f"half of them for at most {_days(ages['p50_days'])}, nine tenths for at most {_days(ages['p90_days'])}; "
            f"the oldest for {_days(oldest)}, since {since}"
        )
    typer.echo(f"{found.tickets:,} open at the end of {date.fromordinal(day).isoformat()}: {label(segment)}")
    typer.echo(f"events up to {written(latest_ms, calendar)}")


def _show(parts: list[tuple[int, int | None, int]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("days", no_wrap=True)
    table.add_column("open", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    most = max(number for _, _, number in parts)
    for first, last, number in parts:
        days = f"{first} or more" if last is None else f"{first}" if first == last else f"{first}-{last}"
        table.add_row(days, f"{number:,}", Text(bar(number, most), "cyan"))
    print_table(table)


def _days(number: int | None) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _write(day: int, ages: Mapping[int, int]) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(("opened", "age_days", "tickets"))
    for age, number in ages.items():
        lines.writerow((date.fromordinal(day - age).isoformat(), age, number))
