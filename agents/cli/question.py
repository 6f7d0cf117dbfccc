"""What is asked of the topic `cells`: which segments, over which windows or range. Several commands ask so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import typer
from msgspec import DecodeError

from agents.clock import now_ms
from agents.reader import reading
from agents.settings import Settings
from schemas.cell import Segment
from stream.config import Config, Segmentation
from stream.errors import CxstreamError
from stream.mapping.nodes import suggestion
from stream.ranges import Ledger
from stream.slices import Calendar
from stream.spans import Span, moment, range_span, window_span, written
from stream.windows import LENGTHS, WINDOWS, find_window


@dataclass(frozen=True, slots=True)
class Look:
    """What was read of a single stretch of time. ``latest_ms`` is the time of the latest event."""

    ledger: Ledger
    span: Span
    latest_ms: int

    def said(self, segment: Segment, calendar: Calendar, *notes: str) -> str:
        """What is shown, in a line."""
        start, end, last = (
            written(time_ms, calendar) for time_ms in (self.span.start_ms, self.span.end_ms, self.latest_ms)
        )
        return "; ".join([f"{label(segment)}, {start} to {end}", *notes, f"events up to {last}"])


@dataclass(frozen=True, slots=True)
class Question:
    """Segments of ``names`` with the values in ``where``, and when.

    ``between`` is a range; without one, ``windows`` are read as they stood before ``before_ms`` (None: now).
    """

    names: Segmentation
    where: dict[str, str]
    windows: tuple[str, ...]
    before_ms: int | None = None
    between: Span | None = None

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

    def look(self, settings: Settings, command: str) -> Look:
        """The cells of the segments that are asked for, and the one stretch to read of them.

        Raises:
            RangeError: it is no longer kept as finely as it would have to be.
        """
        ledger = self.read(settings, command)
        latest_ms = ledger.latest_ms or now_ms()
        (span,) = self.spans(settings.config.calendar, latest_ms)
        ledger.check(span)
        return Look(ledger, span, latest_ms)

    def read(self, settings: Settings, command: str) -> Ledger:
        """The cells of the segments that are asked for, as they stand."""
        ledger = Ledger(settings.config, self.names, self.where)
        foreign = 0
        with reading(settings.cluster) as reader:
            for record in reader.read(settings.topic("cells")):
                try:
                    ledger.merge(record.key, record.value)
                except DecodeError:
                    foreign += 1
        if foreign:
            left_out = f"left out {foreign:,} records of {settings.topic('cells')} that are no cells"
            typer.echo(f"{command}: {left_out}", err=True)
        return ledger


def ask(
    config: Config,
    windows: Sequence[str],
    edges: tuple[str | None, str | None],
    where: Sequence[str],
    by: Sequence[str] = (),
    as_of: str | None = None,
    usual: tuple[str, ...] = (),
) -> Question:
    """What the options of a command ask for; ``usual`` are the windows where none are named.

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
    between = _between(edges, bool(windows) or as_of is not None, config.calendar)
    return Question(
        names=_segmentation((*pairs, *by), config),
        where=pairs,
        windows=tuple(dict.fromkeys(windows)) or usual,
        before_ms=None if as_of is None else _before_ms(as_of, config.calendar),
        between=between,
    )


def ask_once(
    config: Config,
    window: str | None,
    edges: tuple[str | None, str | None],
    where: Sequence[str],
    by: Sequence[str] = (),
) -> Question:
    """The same of a single stretch, which is the last 30 days where none is named."""
    return ask(config, [window] if window else [], edges, where, by, usual=("30d",))


def label(segment: Iterable[tuple[str, str]]) -> str:
    """A segment as people read it."""
    return ", ".join(f"{name}={value}" for name, value in segment) or "total"


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
