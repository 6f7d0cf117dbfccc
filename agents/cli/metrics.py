"""``cxstream metrics``: values with their sample sizes, for any window or range, read from the topic `cells`."""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Annotated, Any

import typer
from msgspec import json, to_builtins
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, FormatOrCsv, From, SettingsFile, To, Where
from agents.cli.question import Question, ask, label
from agents.cli.tables import change, plain, print_table, spark
from agents.clock import now_ms
from agents.reader import printable
from agents.settings import load
from schemas.metric import Metric
from stream.config import Config
from stream.errors import CxstreamError
from stream.mapping.nodes import suggestion
from stream.metrics import DAYS_NEEDED, UNITS, Value
from stream.published import published
from stream.ranges import Ledger
from stream.rules.shown import shown
from stream.slices import Calendar
from stream.spans import RangeError, before, pieces, written
from stream.stages import PRESETS, STAGES

_DEFAULT_WINDOWS = ("1h", "1d", "30d")


@dataclass(frozen=True, slots=True)
class Query(Question):
    """The ``metrics`` that are asked for; ``given``: by name. ``compare`` with the period before, show a ``trend``."""

    metrics: tuple[str, ...] = ()
    given: bool = False
    compare: bool = False
    trend: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A value; where asked for, that of the period ``before`` and those of the parts of the span, in order.

    ``before`` is None where there is no data, or its slices are not kept any more.
    """

    metric: Metric
    compared: bool
    before: Value | None
    trend: list[float | None] | None

    def as_json(self) -> dict[str, Any]:
        """For programs: what the topic `metrics` has, and what was asked for beside it."""
        found: dict[str, Any] = to_builtins(self.metric)
        if self.compared:
            known = self.before
            found["before"] = None if known is None else {"value": known.value, "samples": known.samples}
        return found if self.trend is None else found | {"trend": self.trend}


def metrics(
    window: Annotated[
        list[str] | None, typer.Option(help="Window to read: 1m … 30d, any length, day, week, month.")
    ] = None,
    start: From = None,
    end: To = None,
    where: Where = None,
    by: Annotated[list[str] | None, typer.Option(help="Each segment of this dimension: channel.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Windows as they stood then; a date is with all of it.")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Beside the period before.")] = False,
    trend: Annotated[bool, typer.Option("--trend", help="With a small chart of how it went.")] = False,
    output: FormatOrCsv = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show metrics with their sample sizes; a dash (null) is no data. Dates are days in the settings' time zone."""
    settings = load(settings_file, bootstrap=bootstrap)
    query = _query(settings.config, window or (), (start, end), where or (), by or (), metric or (), as_of)
    query = replace(query, compare=compare, trend=trend)
    ledger = query.read(settings, "metrics")
    found = list(_found(query, ledger, settings.config.calendar))
    for note in _notes(query, ledger, settings.config):
        typer.echo(f"metrics: {note}", err=True)
    if output == "json":
        typer.echo(json.encode([each.as_json() for each in found]))
    elif output == "csv":
        _write(query, found)
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
        metrics=tuple(dict.fromkeys(wanted)) or tuple(_usual(config)),
        given=bool(wanted),
    )
    _check_days(query, config.calendar)
    return query


def _usual(config: Config) -> Iterator[str]:
    """All metrics, but for those of stages that the settings do not have."""
    absent = {f"stage_{name}_" for name in STAGES if name not in PRESETS[config.stages]}
    return (name for name in UNITS if not name.startswith(tuple(absent)))


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


def _found(query: Query, ledger: Ledger, calendar: Calendar) -> Iterator[Answer]:
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
            values, earlier = ledger.values(segment, span), before(span, calendar)
            was = ledger.values(segment, earlier) if query.compare and ledger.holds(earlier) else {}
            parts = pieces(span, calendar) if query.trend else []
            course = [ledger.values(segment, part) if ledger.holds(part) else {} for part in parts]
            for name in query.metrics:
                if span.has(name, calendar):
                    interval = (span.start_ms, span.end_ms)
                    metric = published(name, segment, span.name, interval, as_of_ms, values.get(name))
                    trend = [None if (value := each.get(name)) is None else value.value for each in course]
                    yield Answer(metric, query.compare, was.get(name), trend if query.trend else None)


def _write(query: Query, found: list[Answer]) -> None:
    """Comma-separated values, one line for each."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    compared = ["before", "before_samples"] if query.compare else []
    trend = ["trend"] if query.trend else []
    lines.writerow([*query.names, "metric", "window", "from", "to", "unit", "value", "samples", *compared, *trend])
    for answer in found:
        metric, was = answer.metric, answer.before
        row = [*(metric.segment[name] for name in query.names), metric.metric, metric.window]
        row += [str(metric.start_ms), str(metric.end_ms), metric.unit]
        row += [plain(metric.value), str(metric.samples)]
        if query.compare:
            row += [plain(None if was is None else was.value), str(0 if was is None else was.samples)]
        if answer.trend is not None:
            row.append(" ".join(plain(value) or "-" for value in answer.trend))
        lines.writerow(row)


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


def _show(query: Query, found: list[Answer], calendar: Calendar) -> None:
    """A table of segments and metrics, some columns for each span."""
    windows = list(dict.fromkeys(answer.metric.window for answer in found))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in query.names:
        table.add_column(name, overflow="fold")
    table.add_column("metric", no_wrap=True)
    for window in windows:
        table.add_column("value" if query.between else window, justify="right", no_wrap=True)
        table.add_column("samples", justify="right", style="dim", no_wrap=True)
        if query.compare:
            table.add_column("before", justify="right", no_wrap=True)
            table.add_column("change", justify="right", no_wrap=True)
        if query.trend:
            table.add_column("trend", style="cyan", no_wrap=True)
    for _, of_segment in groupby(found, lambda answer: answer.metric.segment):
        for row in _rows(list(of_segment), query, windows):
            table.add_row(*row)
        table.add_section()
    console = print_table(table)
    for window, answer in {answer.metric.window: answer for answer in found}.items():
        stretch = f"{written(answer.metric.start_ms, calendar)} to {written(answer.metric.end_ms, calendar)}"
        console.print(Text(stretch if query.between else f"{window}: {stretch}", "dim"), soft_wrap=True)
    if found:
        last = written(found[0].metric.as_of_ms, calendar)
        console.print(Text(f"events up to {last}" if query.before_ms is None else f"as of {last}", "dim"))
    else:
        console.print("nothing has been counted for any such segment")


def _rows(found: list[Answer], query: Query, windows: list[str]) -> Iterator[list[Text]]:
    """A line for each metric; where many segments are asked for and no metric by name, only those with data."""
    by_place = {(answer.metric.metric, answer.metric.window): answer for answer in found}
    labels = [Text(printable(found[0].metric.segment[name])) for name in query.names]
    for name in dict.fromkeys(answer.metric.metric for answer in found):
        answers = [by_place.get((name, window)) for window in windows]
        if query.given or query.segment is not None or any(answer and answer.metric.samples for answer in answers):
            yield [*labels, Text(name), *(cell for answer in answers for cell in _cells(answer, query))]


def _cells(answer: Answer | None, query: Query) -> Iterator[Text]:
    """What there is of a value; nothing where the metric cannot be read over such a window."""
    if answer is None:
        yield from [Text("")] * (2 + 2 * query.compare + query.trend)
        return
    metric, was = answer.metric, answer.before
    yield Text("–" if metric.value is None else shown(metric.value, metric.unit))
    yield Text(f"{metric.samples:,}")
    if query.compare:
        yield Text("–" if was is None else shown(was.value, metric.unit))
        yield Text("" if was is None or metric.value is None else change(metric.value, was.value, metric.unit))
    if answer.trend is not None:
        yield Text(spark(answer.trend))
