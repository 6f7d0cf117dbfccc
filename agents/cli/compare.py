"""``cxstream compare``: do two applications over the same events count the same? Read from their topics `cells`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from msgspec import DecodeError
from rich.console import Console
from rich.text import Text

from agents.cli.options import SettingsFile
from agents.reader import Reader, printable, reading
from agents.settings import Settings, load
from schemas.cell import (
    WATERMARK_HEAD,
    Cell,
    CellKey,
    Segment,
    Watermark,
    decode_cell,
    decode_cell_key,
    decode_watermark,
    decode_watermark_key,
)
from stream.counters import Counters, merged
from stream.errors import CxstreamError
from stream.metrics import Reading
from stream.metrics import read as read_metrics
from stream.nesting import Nesting
from stream.slices import DAY_MS, HOUR_MS, Calendar
from stream.spans import written

_MOST_NAMED = 10
Place = tuple[Segment, int, int]
"""Segment, resolution and start of a slice."""


class Counted:
    """What an application has counted by hour and day. ``included`` are source offsets by partition."""

    def __init__(self) -> None:
        self._cells: dict[CellKey, Cell] = {}
        self._watermarks: dict[int, Watermark] = {}

    def add(self, key: bytes, value: bytes) -> None:
        """A record of `cells`; of two for a key the one with the later source offset counts."""
        if key.startswith(WATERMARK_HEAD):
            number, watermark = decode_watermark_key(key).partition, decode_watermark(value)
            earlier = self._watermarks.get(number)
            if earlier is None or watermark.offset > earlier.offset:
                self._watermarks[number] = watermark
            return
        where, cell = decode_cell_key(key), decode_cell(value)
        known = self._cells.get(where)
        if known is None or cell.offset >= known.offset:
            self._cells[where] = cell

    @property
    def reached_ms(self) -> int:
        """The event time that all partitions have come to; 0 before the first event."""
        return min((watermark.time_ms for watermark in self._watermarks.values()), default=0)

    @property
    def included(self) -> dict[int, int]:
        return {number: watermark.offset for number, watermark in self._watermarks.items()}

    def totals(self, calendar: Calendar) -> dict[Place, Counters]:
        """Counters of all partitions together by hour and day, without those that are nothing."""
        nesting = Nesting(calendar, self._cells.get)
        wholes = {each for key in self._cells for each in (key, *nesting.join(key))}
        parts: dict[Place, list[Counters]] = {}
        for key in wholes:
            if key.resolution_ms in (HOUR_MS, DAY_MS):
                parts.setdefault((key.segment, key.resolution_ms, key.start_ms), []).append(nesting.total(key))
        totals = {place: {name: n for name, n in merged(each).items() if n} for place, each in parts.items()}
        return {place: counters for place, counters in totals.items() if counters}


def compare(
    other: Annotated[Path, typer.Argument(help="Settings file of the other application.")],
    settings_file: SettingsFile = None,
) -> None:
    """Compare what two applications have counted: in hours and days that both have behind them, or all there is.

    All, where both include the same records; else what came late to one of them may still show, and is gone later.
    """
    ours, theirs = load(settings_file), load(other)
    if ours.id == theirs.id:
        raise CxstreamError(f"both are the application `{ours.id}`: name the settings of another one")
    counted = [_read(settings) for settings in (ours, theirs)]
    is_level = counted[0].included == counted[1].included
    until_ms = min(each.reached_ms for each in counted)
    until_ms += 2 * DAY_MS if is_level and until_ms else 0
    blue, green = (
        _closed(each.totals(of.config.calendar), until_ms, ours)
        for each, of in zip(counted, (ours, theirs), strict=True)
    )
    different = [place for place in sorted(blue.keys() | green.keys()) if blue.get(place) != green.get(place)]
    for place in different[:_MOST_NAMED]:
        Console().print(Text(printable(_line(place, blue, green, ours))), soft_wrap=True)
    reached = "of the same records" if is_level else f"until {written(until_ms, ours.config.calendar)}"
    count = f"{len(blue.keys() | green.keys()):,} hours and days of segments, {reached}"
    typer.echo(f"{ours.id} and {theirs.id}: {count}: {len(different):,} different")
    if different or not until_ms:
        raise typer.Exit(1)


def _read(settings: Settings) -> Counted:
    found = Counted()
    with reading(settings.cluster) as reader:
        for key, value in _records(reader, settings.topic("cells")):
            try:
                found.add(key, value)
            except DecodeError:
                continue
    return found


def _records(reader: Reader, topic: str) -> Iterator[tuple[bytes, bytes]]:
    """A tombstone says that a slice is no longer kept, which each application finds for itself: left out."""
    for record in reader.read(topic):
        if record.key is not None and record.value is not None:
            yield record.key, record.value


def _closed(totals: Mapping[Place, Counters], until_ms: int, settings: Settings) -> dict[Place, Counters]:
    end_ms = settings.config.calendar.slice_end_ms
    return {place: counters for place, counters in totals.items() if end_ms(place[1], place[2]) <= until_ms}


def _line(place: Place, blue: Mapping[Place, Counters], green: Mapping[Place, Counters], settings: Settings) -> str:
    """Where they differ, and in which values."""
    segment, resolution_ms, start_ms = place
    values = [read_metrics(Reading(dict(each.get(place, {})))) for each in (blue, green)]
    names = [name for name in values[0] | values[1] if values[0].get(name) != values[1].get(name)]
    shown = (f"{name} {_value(values[0].get(name))} and {_value(values[1].get(name))}" for name in names)
    where = ", ".join(f"{name}={value}" for name, value in segment) or "total"
    kind = "day" if resolution_ms == DAY_MS else "hour"
    return f"{where}, {kind} of {written(start_ms, settings.config.calendar)}: {'; '.join(shown) or 'counters'}"


def _value(value: object) -> str:
    return "no data" if value is None else f"{getattr(value, 'value', 0):g} of {getattr(value, 'samples', 0)}"
