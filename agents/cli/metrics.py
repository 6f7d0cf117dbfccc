"""``cxstream metrics``: values with their sample sizes, for any window or range, read from the topic `cells`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

import typer
from msgspec import DecodeError, json
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.tables import print_table, shown
from agents.clock import now_ms
from agents.reader import printable, reading
from agents.settings import Settings, load
from schemas.cell import Segment
from schemas.metric import Metric
from stream.config import Config, Segmentation
from stream.errors import CxstreamError
from stream.mapping.nodes import suggestion
from stream.metrics import DAYS_NEEDED, UNITS
from stream.published import published
from stream.ranges import Ledger, RangeError, Span, moment, range_span, window_span, written
from stream.slices import Calendar
from stream.windows import LENGTHS, WINDOWS, find_window

_DEFAULT_WINDOWS = ("1h", "1d", "30d")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: segments of ``names`` with the values in ``where``, ``metrics``, and when.

    ``between`` is a range; without one, ``windows`` are read as they stood before ``before_ms`` (None: now).
    """

    names: Segmentation
    where: dict[str, str]
    metrics: tuple[str, ...]
    windows: tuple[str, ...]
    before_ms: int | None = None
    between: Span | None = None
    given: bool = False
    """Were the metrics asked for by name?"""

    @property
    def segment(self) -> Segment | None:
        """The one segment that is asked for; None where there may be many."""
        if set(self.names) != set(self.where):
            return None
        return tuple((name, self.where[name]) for name in self.names)

    def spans(self, calendar: Calendar, latest_ms: int) -> list[Span]:
        """The stretches to read, where the latest event was at ``latest_ms``."""
        if self.between is not None:
            return [self.between]
        at_ms = latest_ms if self.before_ms is None else self.before_ms - 1
        return [window_span(name, calendar, at_ms) for name in self.windows]


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
    ledger = _ledger(settings, query)
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
    pairs = dict(_pair(text) for text in where)
    if len(pairs) < len(where):
        raise CxstreamError("--where names a dimension twice: give each one value")
    for name in windows:
        if find_window(name) is None:
            raise CxstreamError(
                f"there is no window `{name}`{suggestion(name, WINDOWS)}; or a length such as {LENGTHS}"
            )
    for name in wanted:
        if name not in UNITS:
            raise CxstreamError(f"there is no metric `{name}`{suggestion(name, UNITS)}")
    between = _between(edges, bool(windows) or as_of is not None, config.calendar)
    query = Query(
        names=_segmentation((*pairs, *by), config),
        where=pairs,
        metrics=tuple(dict.fromkeys(wanted)) or tuple(UNITS),
        windows=tuple(dict.fromkeys(windows)) or _DEFAULT_WINDOWS,
        before_ms=None if as_of is None else _before_ms(as_of, config.calendar),
        between=between,
        given=bool(wanted),
    )
    _check_days(query, config.calendar)
    return query


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise CxstreamError(f"--where `{text}` is no dimension and value: write --where channel=web")
    return name, value


def _segmentation(dimensions: Sequence[str], config: Config) -> Segmentation:
    for names in config.segmentations:
        if set(names) == set(dimensions):
            return names
    for name in dimensions:
        if name not in config.dimensions:
            raise CxstreamError(f"there is no dimension `{name}`{suggestion(name, config.dimensions)}")
    counted = ", ".join(" + ".join(names) or "the total" for names in config.segmentations)
    asked = " + ".join(dict.fromkeys(dimensions))
    raise CxstreamError(f"{asked} is not counted (`segments` in the settings); there are {counted}")


def _between(edges: tuple[str | None, str | None], has_windows: bool, calendar: Calendar) -> Span | None:
    start, end = edges
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise CxstreamError("a range needs both --from and --to")
    if has_windows:
        raise CxstreamError("--from and --to are a range of their own: leave out --window and --as-of")
    return range_span(moment(start, calendar)[0], moment(end, calendar)[0], calendar)


def _before_ms(as_of: str, calendar: Calendar) -> int:
    time_ms, is_date = moment(as_of, calendar)
    return calendar.day_end_ms(time_ms) if is_date else time_ms


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


def _ledger(settings: Settings, query: Query) -> Ledger:
    """The cells of the segments that are asked for, as they stand."""
    ledger = Ledger(settings.config, query.names, query.where)
    foreign = 0
    with reading(settings.bootstrap) as reader:
        for record in reader.read(settings.topic("cells")):
            try:
                ledger.merge(record.key, record.value)
            except DecodeError:
                foreign += 1
    if foreign:
        typer.echo(f"metrics: left out {foreign:,} records of {settings.topic('cells')} that are no cells", err=True)
    return ledger


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
        yield printable(f"nothing has been counted for {_label(query.segment)}{meant}")
    if ledger.is_capped:
        yield f"there were over {config.max_segments:,} values: those that came later are counted as `other`"


def _label(segment: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in segment) or "total"


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
