"""``cxstream size``: what a load takes, before there is a cluster."""

from typing import Annotated, Literal

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Table

from agents.cli.tables import print_table
from agents.sizing import Load, Size
from agents.sizing import size as sized


def size(
    events_per_second: Annotated[int, typer.Option(min=1, help="Touchpoints per second at the peak.")],
    customers: Annotated[int, typer.Option(min=1, help="Customers of whom state is kept: 800 days, unless set.")],
    event_bytes: Annotated[int, typer.Option(min=100, help="Of a touchpoint, as JSON.")] = 300,
    segments: Annotated[int, typer.Option(min=1, help="Told apart, over all segmentations.")] = 100,
    busy: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share of its time that a worker works.")] = 0.5,
    growth: Annotated[float, typer.Option(min=1, max=100, help="Partitions for so many times the load.")] = 2.0,
    days: Annotated[int, typer.Option(min=1, help="For which touchpoints stay on their topic.")] = 30,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each topic.")] = 3,
    standbys: Annotated[int, typer.Option(min=0, help="Other workers that keep a partition's state warm.")] = 1,
    store: Annotated[Literal["rocksdb", "memory"], typer.Option(help="Where workers keep their state.")] = "rocksdb",
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
) -> None:
    """Say how many partitions and workers a load takes, and what each of them needs."""
    load = Load(events_per_second, customers, event_bytes, segments, busy, growth, days, replication, standbys, store)
    found = sized(load)
    if output == "json":
        typer.echo(json.encode(found))
    else:
        _show(load, found)


def _show(load: Load, found: Size) -> None:
    table = Table("", "", "", box=SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.columns[1].justify = "right"
    for row in _rows(load, found):
        table.add_row(*row)
    print_table(table)


def _rows(load: Load, found: Size) -> list[tuple[str, str, str]]:
    most = found.most_events_per_second
    return [
        ("workers", f"{found.workers:,}", f"a core each, {load.events_per_second / most:.0%} busy at the peak"),
        ("partitions", f"{found.partitions:,}", f"of each topic, for up to {load.growth:g} times the load"),
        ("all workers can do", f"{most:,}", "touchpoints per second, to catch up after a pause"),
        ("memory", decimal(found.memory_bytes), "for each worker"),
        (
            "disk",
            decimal(found.disk_bytes),
            "for each worker, on SSD" if found.disk_bytes else "none: state is in memory",
        ),
        (
            "topics",
            decimal(found.topics_bytes),
            f"on the brokers' disks: {load.days} days, {load.replication} copies, not compressed",
        ),
        ("from the brokers", f"{decimal(found.read_bytes)}/s", "at the peak"),
        ("to the brokers", f"{decimal(found.written_bytes)}/s", "at the peak, before they copy it"),
    ]
