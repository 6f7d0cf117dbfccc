"""``cxstream replay``: put a file's events on the topic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.options import Bootstrap, SettingsFile
from agents.logs import complain
from agents.mappings import find
from agents.replay import Progress as Reached
from agents.replay import ReplaySummary
from agents.replay import replay as replay_file
from agents.settings import load
from stream.errors import CxstreamError
from stream.mapping import parse

Report = Callable[[Reached], None]


def replay(
    file: Annotated[str, typer.Argument(help="CSV or NDJSON, also as gzip or zstd; - for standard input.")],
    mapping: Annotated[str, typer.Option(help="A mapping file, or the name of one shipped (airport-survey).")],
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    topic: Annotated[str | None, typer.Option(help="Where the events go: `touchpoints` by default.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many rows.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Map a file's rows to touchpoints and put them on the topic, in the file's order."""
    try:
        parsed, settings = parse(*find(mapping)), load(settings_file, bootstrap=bootstrap)
        topic = topic or settings.topic("touchpoints")
        with progress_bar() as report:
            summary = replay_file(file, parsed, cluster=settings.cluster, topic=topic, limit=limit, on_progress=report)
    except (CxstreamError, OSError) as error:
        complain(str(error), "replay")
        raise typer.Exit(1) from None
    typer.echo(msgspec.json.encode(summary).decode() if json else shown(summary, topic))


@contextmanager
def progress_bar() -> Iterator[Report | None]:
    """A bar on standard error while that is a terminal; None where it is not."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def report(reached: Reached) -> None:
            counted = f"{reached.rows:,} rows, {reached.events:,} events"
            progress.update(task, description=counted, completed=reached.read_bytes, total=reached.total_bytes)

        yield report


def shown(summary: ReplaySummary, topic: str) -> str:
    """The summary for people."""
    head = f"{summary.rows:,} rows, {summary.sent:,} events to {topic} in {summary.seconds:.1f} s"
    types = [f"  {count:>10,}  {name}" for name, count in summary.events.items()]
    silent = [f"  {summary.silent_rows:>10,}  rows without an event"] if summary.silent_rows else []
    return "\n".join([head, *types, *silent, *_problems(summary)])


def _problems(summary: ReplaySummary) -> list[str]:
    if not summary.skipped:
        return []
    reasons = [f"  {count:>10,}  {reason}" for reason, count in summary.skipped.items()]
    examples = [f"  {example}" for example in summary.examples]
    return [f"skipped, in {summary.problem_rows:,} rows:", *reasons, "the first of them:", *examples]
