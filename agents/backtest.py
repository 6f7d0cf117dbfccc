"""What rules would have told: on what is kept in `cells`, or on touchpoints of a file or of the topic."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import DecodeError

from agents.clock import now_ms
from agents.reader import reading
from agents.settings import Settings
from agents.sourcefile import opened
from schemas.alert import FrictionAlert
from schemas.handover import Handover
from stream.config import Config
from stream.decode import decode_one
from stream.errors import CxstreamError
from stream.ranges import Ledger
from stream.rules.rule import Rule, dimensions
from stream.slices import EARLIEST_MS, HOUR_MS
from stream.trials.firings import Firings, firings
from stream.trials.lookback import look_back
from stream.trials.rehearsal import Rehearsal, Timed

Edges = tuple[int | None, int | None]
"""From and to, as far as they were given."""
_MOST_BACK_MS = 8 * 24 * HOUR_MS


@dataclass(slots=True)
class Backtest:
    """What would have fired in [start, end). ``tested_ms`` is since when each rule could be tested, by its index.

    ``frictions`` are firings by signal alone, ``customers`` how many customers each was of. ``left_out`` are records
    that were no touchpoints, had a time before 1990 or ahead of the clock, or were no cells.
    """

    start_ms: int
    end_ms: int
    alerts: list[Firings]
    tested_ms: dict[int, int | None]
    frictions: dict[str, tuple[int, int]] = field(default_factory=dict)
    left_out: int = 0


def on_cells(settings: Settings, rules: Sequence[Rule], edges: Edges) -> Backtest:
    """On what is kept in `cells`, the coarser the longer ago; of the last eight days, where nothing is said.

    Raises:
        CxstreamError: nothing has been counted yet.
    """
    config = settings.config
    wanted = [names for names in config.segmentations if any(set(names) == dimensions(rule) for rule in rules)]
    ledgers = {names: Ledger(config, names) for names in wanted}
    foreign = 0
    with reading(settings.cluster) as reader:
        for record in reader.read(settings.topic("cells")):
            try:
                for ledger in ledgers.values():
                    ledger.merge(record.key, record.value)
            except DecodeError:
                foreign += 1
    latest_ms = max((ledger.latest_ms or 0 for ledger in ledgers.values()), default=0)
    if not latest_ms:
        raise CxstreamError("no touchpoint has been counted yet: is a worker running?")
    start_ms = latest_ms - _MOST_BACK_MS if edges[0] is None else edges[0]
    end_ms = latest_ms if edges[1] is None else min(edges[1], latest_ms)
    seen = look_back(config, rules, ledgers, start_ms, end_ms)
    return Backtest(start_ms, end_ms, firings(seen.alerts, start_ms, end_ms), seen.tested_ms, left_out=foreign)


def on_file(path: Path, config: Config, rules: Sequence[Rule], edges: Edges) -> Backtest:
    """On touchpoints of a file, one a line, in their order: exactly what a worker that keeps up would have told."""
    with opened(path) as source:
        lines = (line.encode("utf-8", "surrogateescape") for line in source.lines())
        taken = _Taken(config, now_ms())
        return _play(taken.timed(line for line in lines if line.strip()), taken, config, rules, edges)


def on_touchpoints(settings: Settings, rules: Sequence[Rule], edges: Edges) -> Backtest:
    """The same on what the topic `touchpoints` still has, in order of event time; all of it is held in memory."""
    with reading(settings.cluster) as reader:
        values = (record.value for record in reader.read(settings.topic("touchpoints")) if record.value is not None)
        taken = _Taken(settings.config, now_ms())
        events = sorted(taken.timed(values), key=lambda event: event[0])
    return _play(events, taken, settings.config, rules, edges)


class _Taken:
    """What is taken of some records: a wrong time would move the rehearsal's clock, which knows no other."""

    def __init__(self, config: Config, clock_ms: int) -> None:
        self.left_out = 0
        self._most_bytes = config.max_record_bytes
        self._latest_ms = clock_ms + config.future_ms

    def timed(self, values: Iterable[bytes]) -> Iterator[Timed]:
        """The touchpoints. What is handed over has no time: it comes with what is before it, else with the first."""
        time_ms, waiting = 0, []
        for value in values:
            found = decode_one(value, self._most_bytes)
            if isinstance(found, Handover):
                waiting.append(value)
            elif isinstance(found, tuple) or not EARLIEST_MS <= found.time_ms <= self._latest_ms:
                self.left_out += 1
                continue
            else:
                time_ms = found.time_ms
                waiting.append(value)
            if time_ms:
                yield from ((time_ms, each) for each in waiting)
                waiting = []


def _play(events: Iterable[Timed], taken: _Taken, config: Config, rules: Sequence[Rule], edges: Edges) -> Backtest:
    rehearsal = Rehearsal(config, rules)
    span = _Span()
    rehearsal.play(span.note(events))
    if not span.last_ms:
        raise CxstreamError("there is no touchpoint to look at")
    start_ms = span.first_ms if edges[0] is None else edges[0]
    end_ms = span.last_ms + 1 if edges[1] is None else edges[1]
    fired = firings(rehearsal.alerts, start_ms, end_ms)
    tested = dict.fromkeys(range(len(rules)), max(span.first_ms, start_ms))
    frictions = _by_signal(rehearsal.frictions, lambda at_ms: start_ms <= at_ms < end_ms)
    return Backtest(start_ms, end_ms, fired, dict(tested), frictions, taken.left_out + len(rehearsal.rejected))


@dataclass(slots=True)
class _Span:
    """The times of what goes by."""

    first_ms: int = 0
    last_ms: int = 0

    def note(self, events: Iterable[Timed]) -> Iterator[Timed]:
        for time_ms, value in events:
            if time_ms:
                self.first_ms = min(self.first_ms or time_ms, time_ms)
                self.last_ms = max(self.last_ms, time_ms)
            yield time_ms, value


def _by_signal(told: Iterable[FrictionAlert], is_within: Callable[[int], bool]) -> dict[str, tuple[int, int]]:
    fired: dict[str, list[str]] = {}
    for each in told:
        if each.state == "firing" and is_within(each.at_ms):
            fired.setdefault(each.alert, []).append(each.customer)
    return {signal: (len(customers), len(set(customers))) for signal, customers in sorted(fired.items())}
