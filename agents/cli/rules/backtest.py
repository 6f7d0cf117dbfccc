"""``cxstream rules backtest``: what would rules have told?"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agents.backtest import Backtest, Edges, on_cells, on_file, on_touchpoints
from agents.cli.options import Bootstrap, FormatOrCsv, From, SettingsFile, To
from agents.cli.question import label
from agents.cli.tables import print_table
from agents.configfile import read
from agents.reader import printable
from agents.settings import DEFAULT_RULES, Settings, load
from stream.errors import CxstreamError
from stream.rules.rule import Rule
from stream.rules.rulefile import parse
from stream.rules.shown import duration
from stream.slices import Calendar
from stream.spans import moment, written
from stream.trials.firings import Firings

_COLUMNS = ("alert", "labels", "times", "total_seconds", "longest_seconds", "first", "last", "goes_on")


def backtest(
    files: Annotated[list[Path], typer.Argument(help="Rule files.", metavar="RULES…")],
    start: From = None,
    end: To = None,
    events: Annotated[
        Path | None, typer.Option(help="Fold the touchpoints of this file (NDJSON, - for standard input): exact.")
    ] = None,
    touchpoints: Annotated[
        bool, typer.Option("--touchpoints", help="Fold what the topic `touchpoints` still has: exact, and slow.")
    ] = False,
    output: FormatOrCsv = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """What rules would have told: on what `cells` keeps (coarser the longer ago), or on touchpoints (exact)."""
    settings = load(settings_file, bootstrap=bootstrap, rules_file=DEFAULT_RULES)
    rules = [rule for file in files for rule in parse(read(file), str(file), settings.config)]
    calendar = settings.config.calendar
    edges = _edge(start, calendar), _edge(end, calendar)
    if None not in edges and edges[0] >= edges[1]:  # type: ignore[operator]  # neither is None
        raise CxstreamError("the range is empty: --from must be before --to")
    found = _run(settings, rules, edges, events, touchpoints)
    for note in _notes(found, rules, calendar):
        typer.echo(f"backtest: {note}", err=True)
    if output == "json":
        typer.echo(json.encode(_plain(found, rules)))
    elif output == "csv":
        _write(found)
    else:
        _show(found, rules, calendar)


def _edge(text: str | None, calendar: Calendar) -> int | None:
    return None if text is None else moment(text, calendar)[0]


def _run(settings: Settings, rules: Sequence[Rule], edges: Edges, events: Path | None, touchpoints: bool) -> Backtest:
    if events is not None and touchpoints:
        raise CxstreamError("--events and --touchpoints are two sources: leave one out")
    if events is not None:
        return on_file(events, settings.config, rules, edges)
    return on_touchpoints(settings, rules, edges) if touchpoints else on_cells(settings, rules, edges)


def _notes(found: Backtest, rules: Sequence[Rule], calendar: Calendar) -> Iterator[str]:
    """What must be known to read it right."""
    if found.left_out:
        yield f"left out {found.left_out:,} records that could not be read, or were refused"
    never = [rules[at].alert for at, tested_ms in found.tested_ms.items() if tested_ms is None]
    if never:
        why = "what they look at is not kept that finely, or that long"
        yield f"not tested: {', '.join(never)}: {why}; --events and --touchpoints test all"
    late: dict[int, list[str]] = {}
    for at, tested_ms in found.tested_ms.items():
        if tested_ms is not None and tested_ms - found.start_ms > 86_400_000:
            late.setdefault(tested_ms, []).append(rules[at].alert)
    for tested_ms, names in sorted(late.items()):
        yield f"tested since {written(tested_ms, calendar)} only: {', '.join(names)}"


def _row(each: Firings) -> dict[str, Any]:
    return {
        "alert": each.alert,
        "labels": each.labels,
        "times": each.times,
        "total_seconds": each.total_ms / 1000,
        "longest_seconds": each.longest_ms / 1000,
        "first": each.first_ms,
        "last": each.last_ms,
        "goes_on": each.goes_on,
    }


def _plain(found: Backtest, rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "from": found.start_ms,
        "to": found.end_ms,
        "alerts": [_row(each) for each in found.alerts],
        "friction": {
            signal: {"times": times, "customers": customers} for signal, (times, customers) in found.frictions.items()
        },
        "rules": [{"alert": rules[at].alert, "tested_since": tested} for at, tested in found.tested_ms.items()],
    }


def _write(found: Backtest) -> None:
    lines = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator="\n")
    lines.writeheader()
    for each in found.alerts:
        lines.writerow({**_row(each), "labels": label(each.labels.items())})


def _show(found: Backtest, rules: Sequence[Rule], calendar: Calendar) -> None:
    table = Table("alert", "segment", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("times", "firing for", "longest"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("first", "last"):
        table.add_column(name, no_wrap=True)
    for each in found.alerts:
        table.add_row(
            each.alert,
            printable(label(each.labels.items())),
            f"{each.times:,}",
            duration(each.total_ms / 1000) + (", goes on" if each.goes_on else ""),
            duration(each.longest_ms / 1000),
            *(written(at_ms, calendar) for at_ms in (each.first_ms, each.last_ms) if at_ms is not None),
        )
    if found.alerts:
        print_table(table)
    if found.frictions:
        felt = Table("friction", "times", "customers", box=SIMPLE_HEAD, pad_edge=False)
        for signal, (times, customers) in found.frictions.items():
            felt.add_row(signal, f"{times:,}", f"{customers:,}")
        print_table(felt)
    fired = {each.alert for each in found.alerts}
    silent = len({rule.alert for rule in rules} - fired)
    stretch = f"{written(found.start_ms, calendar)} to {written(found.end_ms, calendar)}"
    typer.echo(f"{stretch}: {len(fired)} rules would have fired, {silent} not")
