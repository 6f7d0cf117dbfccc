"""``cxstream cohorts``: of the customers who came in a week or month, how many were still active later."""

from datetime import date
from typing import Annotated, Literal

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, Format, SettingsFile, Where
from agents.cli.question import ask, label
from agents.cli.tables import print_table
from agents.clock import now_ms
from agents.settings import load
from stream.cohorts import cohort, matrix
from stream.cohorts import start as start_of
from stream.slices import Calendar
from stream.spans import moment, range_span, written

_USUAL = 12
_SHADES = ("grey30", "blue", "cyan", "green", "bright_green")


def cohorts(
    by: Annotated[Literal["week", "month"], typer.Option(help="How long a cohort is.")] = "month",
    start: Annotated[str | None, typer.Option("--from", help="The first week or month: a day in it.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The last one: a day in it.")] = None,
    where: Where = None,
    output: Format = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show customers by the week or month of their first activity, and what share was active in each later one."""
    settings = load(settings_file, bootstrap=bootstrap)
    calendar = settings.config.calendar
    asked = ask(settings.config, [], (None, None), where or [])
    ledger = asked.read(settings, "cohorts")
    latest_ms = ledger.latest_ms or now_ms()
    last = _first_day(by, latest_ms if end is None else moment(end, calendar)[0], calendar)
    first = cohort(by, last, _USUAL - 1) if start is None else _first_day(by, moment(start, calendar)[0], calendar)
    segment = asked.segment or ()
    counted = {}
    day = last
    while day >= first:
        start_ms = calendar.day_number_start_ms(day)
        span = range_span(start_ms, calendar.day_end_ms(start_ms), calendar)
        if start is not None:
            ledger.check(span)
        counted[day] = ledger.read(segment, span.start_ms, span.end_ms).total
        day = start_of(by, day - 1)
    found = {began: ages for began, ages in matrix(by, counted).items() if began >= first}
    if output == "json":
        rows = [
            {"cohort": date.fromordinal(began).isoformat(), "customers": ages.get(0, 0), "active": _all(ages)}
            for began, ages in found.items()
        ]
        typer.echo(orjson.dumps({"by": by, "segment": dict(segment), "cohorts": rows}))
        return
    _show(by, found)
    typer.echo(f"{label(segment)}; share of the cohort active so many {by}s later")
    typer.echo(f"events up to {written(latest_ms, calendar)}: the last {by} may not be over")


def _first_day(by: str, time_ms: int, calendar: Calendar) -> int:
    """The first day of the week or month of an instant."""
    return start_of(by, calendar.day_number(time_ms))


def _all(ages: dict[int, int]) -> list[int]:
    """Customers by age, from 0 on; a week or month in which none was active is 0."""
    return [ages.get(age, 0) for age in range(max(ages) + 1)]


def _show(by: str, found: dict[int, dict[int, int]]) -> None:
    oldest = max((age for ages in found.values() for age in ages), default=0)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(by, no_wrap=True)
    table.add_column("customers", justify="right", no_wrap=True)
    for age in range(1, oldest + 1):
        table.add_column(str(age), justify="right", no_wrap=True)
    for began, ages in found.items():
        size = ages.get(0, 0)
        shares = [ages.get(age, 0) / size if size else None for age in range(1, max(ages) + 1)]
        cells = [Text("–" if share is None else f"{100 * share:.0f} %", _shade(share)) for share in shares]
        table.add_row(date.fromordinal(began).isoformat(), f"{size:,}", *cells)
    print_table(table)


def _shade(share: float | None) -> str:
    return _SHADES[min(len(_SHADES) - 1, int((share or 0) * len(_SHADES)))]
