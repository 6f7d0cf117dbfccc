"""``cxstream simulate``: a simulated population's touchpoints, to Kafka or to a file."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from time import monotonic, time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.cli.options import Bootstrap, SettingsFile
from agents.logs import complain
from agents.parting import stopping
from agents.settings import load
from agents.simulator import (
    Incident,
    IncidentError,
    Population,
    Record,
    browse,
    disturb,
    encode,
    parse_incident,
    produce,
)
from schemas.touchpoint import Touchpoint
from stream.errors import CxstreamError

MINUTE_MS = 60_000
OnProgress = Callable[[int, int], None]


def simulate(
    customers: Annotated[int, typer.Option(min=1, help="Size of the population.")] = 2_000,
    minutes: Annotated[float, typer.Option(min=0.01, help="Length in minutes of event time.")] = 60.0,
    events_per_second: Annotated[
        float | None, typer.Option(help="Rate in event time; by default a hundredth of the customers.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and start give the same events.")] = 1,
    start: Annotated[str, typer.Option(help="ISO 8601 time, or 'now': the stream then ends at the present.")] = "now",
    speed: Annotated[
        float | None, typer.Option(help="Event seconds per second: 1 is real time; by default as fast as possible.")
    ] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(help="KIND@MINUTE+MINUTES[:DIMENSION=VALUE,...], such as broken_checkout@20+10:region=eu."),
    ] = None,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share of records to repeat.")] = 0.0,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="Malformed records to add, per record.")] = 0.0,
    anonymous: Annotated[
        float, typer.Option(min=0, max=1, help="Share of customers who browse under another id until they sign in.")
    ] = 0.0,
    shuffle: Annotated[int, typer.Option(min=0, help="Mix customers within runs of so many records.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write NDJSON here instead; tombstones and empty records are empty lines.")
    ] = None,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    topic: Annotated[str | None, typer.Option(help="Topic to produce to: `touchpoints` by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Play customers over all channels, with incidents at known times, onto a topic or into a file."""
    types: Counter[str] = Counter()
    injected: Counter[str] = Counter()
    began_s = monotonic()
    try:
        if out is not None and speed is not None:
            raise ValueError("--speed paces what goes to Kafka; it means nothing with --out")
        start_ms = _start_ms(start, minutes, speed)
        incidents = [parse_incident(text, start_ms) for text in incident or ()]
        population = Population(
            seed, customers, start_ms, round(minutes * MINUTE_MS), events_per_second, incidents=incidents
        )
        records = disturb(
            encode(_count(browse(population, seed, anonymous), types)),
            seed=seed,
            duplicates=duplicates,
            malformed=malformed,
            shuffle=shuffle,
            report=injected,
        )
        with _progress(population) as on_progress, stopping() as stopped:
            if out is None:
                settings = load(settings_file, bootstrap=bootstrap)
                to = topic or settings.topic("touchpoints")
                sent = produce(records, settings.cluster, to, speed=speed, stopped=stopped, on_progress=on_progress)
            else:
                sent = _write(takewhile(lambda _: not stopped.is_set(), records), out, on_progress)
    except (CxstreamError, ValueError, OSError) as error:
        complain(str(error), "simulate")
        raise typer.Exit(2 if isinstance(error, ValueError | IncidentError) else 1) from None
    _show(_summary(population, sent, types, injected, monotonic() - began_s), as_json)


def _start_ms(text: str, minutes: float, speed: float | None) -> int:
    """When event time begins. Played at a speed, a stream from 'now' arrives at the present with its last event."""
    if text != "now":
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    now_ms, duration_ms = round(time() * 1000), round(minutes * MINUTE_MS)
    playing_ms = round(duration_ms / speed) if speed and speed > 1 else duration_ms if speed else 0
    return now_ms + playing_ms - duration_ms


def _count(events: Iterable[Touchpoint], types: Counter[str]) -> Iterator[Touchpoint]:
    for event in events:
        types[str(event.__struct_config__.tag)] += 1
        yield event


def _write(records: Iterable[Record], path: Path, on_progress: OnProgress) -> int:
    sent = 0
    with path.open("wb") as file:
        for sent, record in enumerate(records, 1):
            file.write((record.value or b"") + b"\n")
            if sent % 1_000 == 0:
                on_progress(sent, record.time_ms)
    return sent


@contextmanager
def _progress(population: Population) -> Iterator[OnProgress]:
    """A bar on stderr over the event time that has been played, where somebody watches."""
    columns = (TextColumn("{task.fields[at]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    expected = round(population.events_per_second * (population.end_ms - population.start_ms) / 1000)
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("simulate", total=expected, at=_iso(population.start_ms))
        yield lambda sent, time_ms: bar.update(task, completed=sent, at=_iso(time_ms))


def _summary(
    population: Population, sent: int, types: Counter[str], injected: Counter[str], seconds: float
) -> dict[str, Any]:
    return {
        "start": _iso(population.start_ms),
        "end": _iso(population.end_ms),
        "customers": len(population.customers),
        "records": sent,
        "events": types.total(),
        "seconds": round(seconds, 3),
        "incidents": [_incident(incident) for incident in population.incidents],
        "injected": dict(sorted(injected.items())),
        "types": dict(types.most_common()),
    }


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "kind": str(incident.kind),
        "start": _iso(incident.start_ms),
        "end": _iso(incident.end_ms),
        "where": dict(incident.where),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _show(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    console = Console()
    rate = summary["records"] / max(summary["seconds"], 0.001)
    console.print(f"{summary['records']:,} records in {summary['seconds']:.1f} s ({rate:,.0f}/s)")
    console.print(f"{summary['events']:,} events of {summary['customers']:,} customers", highlight=False)
    console.print(f"{summary['start']} to {summary['end']}", highlight=False)
    for incident in summary["incidents"]:
        where = ", ".join(f"{dimension}={value}" for dimension, value in incident["where"].items())
        truth = f"[red]{incident['kind']}[/red] {incident['start']} to {incident['end']} in {where}"
        console.print(truth, highlight=False, soft_wrap=True)
    for title in ("injected", "types"):
        if summary[title]:
            table = Table(title, "count")
            for name, count in summary[title].items():
                table.add_row(name, f"{count:,}")
            console.print(table)
