"""``cxstream metrics``: values with their sample sizes, for any window or range, read from the topic `cells`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.question import Question, ask, label
from agents.cli.tables import print_table, shown
from agents.clock import now_ms
from agents.reader import printable
from agents.settings import load
from schemas.metric import Metric
from stream.config import Config
from stream.errors import CxstreamError
from stream.mapping.nodes import suggestion
from stream.metrics import DAYS_NEEDED, UNITS
from stream.published import published
from stream.ranges import Ledger, RangeError, written
from stream.slices import Calendar

_DEFAULT_WINDOWS = ("1h", "1d", "30d")


@dataclass(frozen=True, slots=True)
class Query(Question):
    """The ``metrics`` that are asked for; ``given``: by name."""

    metrics: tuple[str, ...] = ()
    given: bool = False


def metrics(
    window: Annotated[
        list[str] | None, typer.Option(help="Window to read: 1m … 30d, any length, day, week, month.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="Begin of a range: 2026-03-29 or a time.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the range, itself not in it.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only this segment: channel=web.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Each segment of this dimension: channel.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Windows as they stood then; a date is with all of it.")] = None,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show metrics with their sample sizes; a dash (null) is no data. Dates are days in the settings' time zone."""
    settings = load(settings_file, bootstrap=bootstrap)
    query = _query(settings.config, window or (), (start, end), where or (), by or (), metric or (), as_of)
    ledger = query.read(settings, "metrics")
    found = list(_found(query, ledger, settings.config.calendar))
    for note in _notes(query, ledger, settings.config):
        typer.echo(f"metrics: {note}", err=True)
    if output == "json":
        typer.echo(json.encode(found))
    else:
        _show(query, found, settings.config.calendar)


def _query(
    config: Config,
    windows: Sequence[str],
    edges: tuple[str | None, str | None],
    where: Sequence[str],
    by: Sequence[str],
    wanted: Sequence[str],
    as_of: str | None,
) -> Query:
    """What the options ask for.

    Raises:
        CxstreamError: it makes no sense, or names what does not exist.
    """
    asked = ask(config, windows, edges, where, by, as_of, _DEFAULT_WINDOWS)
    for name in wanted:
        if name not in UNITS:
            raise CxstreamError(f"there is no metric `{name}`{suggestion(name, UNITS)}")
    query = Query(
        asked.names,
        asked.where,
        asked.windows,
        asked.before_ms,
        asked.between,
        metrics=tuple(dict.fromkeys(wanted)) or tuple(UNITS),
        given=bool(wanted),
    )
    _check_days(query, config.calendar)
    return query


def _check_days(query: Query, calendar: Calendar) -> None:
    """Raises RangeError for a metric that was asked for and can be read over none of the spans."""
    spans = query.spans(calendar, 0)
    for name in query.metrics if query.given else ():
        if not any(span.has(name, calendar) for span in spans):
            least = DAYS_NEEDED[name]
            days = "whole days" if least == 1 else f"{least} or more whole days"
            raise RangeError(
                f"{name} needs {days}: use --window 30d, or midnights in {calendar.zone} for --from and --to"
            )


def _found(query: Query, ledger: Ledger, calendar: Calendar) -> Iterator[Metric]:
    """The values, by segment, span and metric.

    Raises:
        RangeError: a span is no longer kept as finely as it would have to be.
    """
    latest_ms = now_ms() if ledger.latest_ms is None else ledger.latest_ms
    as_of_ms = latest_ms if query.before_ms is None else query.before_ms
    spans = query.spans(calendar, latest_ms)
    for span in spans:
        ledger.check(span)
    segments = sorted(ledger.segments()) if query.segment is None else [query.segment]
    for segment in segments:
        for span in spans:
            values = ledger.values(segment, span)
            for name in query.metrics:
                if span.has(name, calendar):
                    interval = (span.start_ms, span.end_ms)
                    yield published(name, segment, span.name, interval, as_of_ms, values.get(name))


def _notes(query: Query, ledger: Ledger, config: Config) -> Iterator[str]:
    """What must be known to read the values right."""
    calendar, latest_ms = config.calendar, ledger.latest_ms
    if latest_ms is None:
        yield "no touchpoint has been counted yet: is a worker running?"
        return
    if query.between is not None and query.between.end_ms > latest_ms:
        yield f"the latest event is of {written(latest_ms, calendar)}: nothing in the range is known after it"
    if query.segment and query.segment not in ledger.seen:
        name, value = query.segment[-1]
        known = {dict(segment)[name] for segment in ledger.seen}
        meant = suggestion(value, known) if known else ""
        yield printable(f"nothing has been counted for {label(query.segment)}{meant}")
    if ledger.is_capped:
        yield f"there were over {config.max_segments:,} values: those that came later are counted as `other`"


def _show(query: Query, found: list[Metric], calendar: Calendar) -> None:
    """A table of segments and metrics, a pair of columns for each span."""
    windows = list(dict.fromkeys(metric.window for metric in found))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in query.names:
        table.add_column(name, overflow="fold")
    table.add_column("metric", no_wrap=True)
    for window in windows:
        table.add_column("value" if query.between else window, justify="right", no_wrap=True)
        table.add_column("samples", justify="right", style="dim", no_wrap=True)
    for _, of_segment in groupby(found, lambda metric: metric.segment):
        for row in _rows(list(of_segment), query, windows):
            table.add_row(*row)
        table.add_section()
    console = print_table(table)
    for window, metric in {metric.window: metric for metric in found}.items():
        stretch = f"{written(metric.start_ms, calendar)} to {written(metric.end_ms, calendar)}"
        console.print(Text(stretch if query.between else f"{window}: {stretch}", "dim"), soft_wrap=True)
    if found:
        last = written(found[0].as_of_ms, calendar)
        console.print(Text(f"events up to {last}" if query.before_ms is None else f"as of {last}", "dim"))
    else:
        console.print("nothing has been counted for any such segment")


def _rows(found: list[Metric], query: Query, windows: list[str]) -> Iterator[list[Text]]:
    """A line for each metric; where many segments are asked for and no metric by name, only those with data."""
    by_place = {(metric.metric, metric.window): metric for metric in found}
    labels = [Text(printable(found[0].segment[name])) for name in query.names]
    for name in dict.fromkeys(metric.metric for metric in found):
        values = [by_place.get((name, window)) for window in windows]
        if query.given or query.segment is not None or any(metric and metric.samples for metric in values):
            yield [*labels, Text(name), *(cell for metric in values for cell in _cells(metric))]


def _cells(metric: Metric | None) -> tuple[Text, Text]:
    """Value and samples; nothing where the metric cannot be read over such a window."""
    if metric is None:
        return Text(""), Text("")
    return Text("–" if metric.value is None else shown(metric.value, metric.unit)), Text(f"{metric.samples:,}")
