"""The test driver: bytes through the whole pipeline, with no broker, an explicit clock and stores that are dicts.

    feed ─► source partitions ─► Fold ─► cells partitions ─► Board ─► metrics, alerts
                 (logs)         (store)      (logs)         (store)

It does what the two agents do, in their order: outputs go out, then the state is stored, then reading goes on. So it
can also crash like them. Use it to test rules and mappings, as our own tests do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from zlib import crc32

from schemas.alert import FrictionAlert, MetricAlert
from schemas.cell import Segment
from schemas.metric import Metric
from schemas.rejected import Rejected
from stream.board import Board
from stream.cellmail import mail, partition_of
from stream.config import Config
from stream.fold import Fold
from stream.folded import Folded
from stream.memory import Memory
from stream.memory import Store as Store
from stream.metrics import Value
from stream.metrics import read as read_metrics
from stream.record import Line as Line
from stream.rules.rule import Rule
from stream.rules.watch import rules_on
from stream.state import Changes

Pair = tuple[bytes | None, bytes | None]
"""Key and value of a record."""


@dataclass(slots=True)
class _Side:
    """A partition of a topic and the state that its reader keeps. ``undo`` takes back the last changes of the store."""

    log: list[Line] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    undo: Changes = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.memory.store

    def append(self, pairs: Iterable[Pair]) -> list[Line]:
        first = len(self.log)
        self.log += [Line(first + at, key, value) for at, (key, value) in enumerate(pairs)]
        return self.log[first:]

    def write(self, changes: Changes) -> None:
        self.undo = {key: self.store.get(key) for key in changes}
        self.memory.write(changes)

    def lose(self) -> None:
        """The last changes never reached the store."""
        self.memory.write(self.undo)
        self.undo = {}


class Driver:
    """The pipeline on ``partitions`` partitions of either topic.

    ``alerts`` are those about metrics, ``frictions`` those about customers, as they went out.
    ``now_ms`` and ``clock_ms`` are the wall clock, which events and windows are compared with; it never goes back.

    >>> driver = Driver(Config())
    >>> event = b'{"type": "chat.started", "id": "1", "time": 1767225600000, "customer": "ann", "channel": "web"}'
    >>> driver.feed([(b"ann", event)], now_ms=1767225600000)
    >>> driver.advance(1767225601000)
    []
    >>> driver.value("active_customers", "day", channel="web")
    Value(value=1, samples=1)
    """

    def __init__(self, config: Config, rules: Sequence[Rule] = (), partitions: int = 1) -> None:
        self.config = config
        self.alerts: list[MetricAlert] = []
        self.frictions: list[FrictionAlert] = []
        self.rejected: list[Rejected] = []
        self.folded: list[Folded] = []
        self._rules = tuple(rules)
        self._partitions = partitions
        self._sources = [_Side() for _ in range(partitions)]
        self._cells = [_Side() for _ in range(partitions)]
        self._folds = [self._fold(partition) for partition in range(partitions)]
        self._boards = [self._board(partition, 0) for partition in range(partitions)]
        self._metrics: dict[tuple[Segment, str, str], Metric] = {}

    def feed(self, records: Iterable[Pair], now_ms: int) -> None:
        """Append records, each to the partition of its key, and fold what each partition got as one batch."""
        batches: dict[int, list[Pair]] = {}
        for pair in records:
            batches.setdefault(self.source_of(pair[0]), []).append(pair)
        for partition, pairs in batches.items():
            self._sources[partition].append(pairs)
        self._catch_up(now_ms)

    def advance(self, clock_ms: int) -> list[MetricAlert]:
        """Let the clock come to ``clock_ms``: timers run out, windows move, rules are tested, metrics are read.

        Returns the alerts' transitions since the last call.
        """
        self.go_on(clock_ms)
        alerts = [alert for board in self._boards for alert in board.evaluate(clock_ms)]
        self.alerts += alerts
        for board, side in zip(self._boards, self._cells, strict=True):
            for metric in chain.from_iterable(map(board.metrics, board.history.segments())):
                self._metrics[tuple(metric.segment.items()), metric.window, metric.metric] = metric
            if board.state.is_changed:
                side.write(dict(board.changes()))
                board.state.settle()
            board.watch.sent()
        return alerts

    def go_on(self, clock_ms: int) -> None:
        """Nothing has come up to ``clock_ms``: timers run out, as far as one batch for each partition goes."""
        for partition, fold in enumerate(self._folds):
            for _ in range(2):  # how far event time has come, and what is due by that
                self._include(partition, fold.go_on(clock_ms), clock_ms)

    def metrics(self) -> list[Metric]:
        """What a subscriber of ``metrics`` has after the last ``advance``: the latest of every metric."""
        return list(self._metrics.values())

    def value(self, metric: str, window: str | tuple[int, int], **segment: str) -> Value | None:
        """A metric over a named window, as of the last ``advance``; or now over [start, end), aligned to 10 s.

        Where the start is a midnight, what is counted by day can be read too. None where there is no data.
        """
        wanted = self._segment(segment)
        if isinstance(window, str):
            found = self._metrics.get((wanted, window, metric))
            return None if found is None or found.value is None else Value(found.value, found.samples)
        return self.values(*window, wanted).get(metric)

    def values(self, start_ms: int, end_ms: int, segment: Segment = ()) -> dict[str, Value]:
        """Everything that [start, end) reads for one segment."""
        by_day = self.config.calendar.day_start_ms(start_ms) == start_ms
        history = self._boards[partition_of(segment, self._partitions)].history
        before_ms = self.config.calendar.days_before_ms(start_ms, end_ms) if by_day else None
        return read_metrics(history.read(segment, start_ms, end_ms, by_day, before_ms))

    def counters(self, start_ms: int, end_ms: int, segment: Segment = ()) -> Mapping[str, int]:
        """What has been counted in [start, end), aligned to 10 s."""
        history = self._boards[partition_of(segment, self._partitions)].history
        return history.read(segment, start_ms, end_ms).total

    def segments(self) -> set[Segment]:
        """Every segment with data."""
        return {segment for board in self._boards for segment in board.history.segments()}

    @property
    def boards(self) -> Sequence[Board]:
        """The boards of the partitions of cells, in order."""
        return self._boards

    def stores(self) -> list[Store]:
        """What the readers of the source partitions have stored, in order."""
        return [side.store for side in self._sources]

    def source_of(self, key: bytes | None) -> int:
        """The source partition of a key."""
        return crc32(key or b"") % self._partitions

    def crash(
        self, partition: int, now_ms: int, again: int | None = None, *, lose: bool = False, batch: int | None = None
    ) -> None:
        """Kill the readers of one partition of both topics; others take over from what is stored.

        They read what the stores do not include, and before it ``again`` records a second time (None: all there are),
        in batches of ``batch`` (None: one). With ``lose`` the worker died after its last outputs had gone out and
        before its state was stored. A board always loses what was merged since the last ``advance``.
        """
        source, cells = self._sources[partition], self._cells[partition]
        if lose:
            source.lose()
        fold = self._folds[partition] = self._fold(partition)
        board = self._boards[partition] = self._board(partition, now_ms)
        board.merge(cells.log, now_ms)
        lines = source.log[0 if again is None else max(0, fold.marker.offset + 1 - again) :]
        size = batch or max(1, len(lines))
        for at in range(0, len(lines), size):
            self._process(partition, lines[at : at + size], now_ms)
        self._catch_up(now_ms)

    def _process(self, partition: int, lines: Sequence[Line], now_ms: int) -> None:
        folded = self._folds[partition].process(lines, now_ms)
        self.folded.append(folded)
        self.rejected += folded.rejected
        self._include(partition, folded, now_ms)

    def _include(self, partition: int, folded: Folded, now_ms: int) -> None:
        if not folded.changes:
            return
        self.frictions += folded.alerts
        for number, pairs in mail(folded, partition, self._partitions, 0).items():
            self._boards[number].merge(self._cells[number].append(pairs), now_ms)
        for customer, value in folded.handed:
            key = customer.encode()
            self._sources[self.source_of(key)].append([(key, value)])
        self._sources[partition].write(folded.changes)
        self._folds[partition].settle()

    def _catch_up(self, now_ms: int) -> None:
        """Fold what partitions have handed over to each other, until there is nothing more."""
        while sum(self._read_on(partition, now_ms) for partition in range(self._partitions)):
            pass

    def _read_on(self, partition: int, now_ms: int) -> int:
        """Fold what a partition has not read yet, as one batch; how many records that were."""
        lines = self._sources[partition].log[self._folds[partition].marker.offset + 1 :]
        if lines:
            self._process(partition, lines, now_ms)
        return len(lines)

    def _fold(self, partition: int) -> Fold:
        source = self._sources[partition]
        return Fold(self.config, "touchpoints", partition, source.store.get, source.store, source.memory.scan)

    def _board(self, partition: int, clock_ms: int) -> Board:
        rules = rules_on(self._rules, partition, self._partitions)
        store = self._cells[partition].store
        return Board(self.config, rules, store.get, store, clock_ms)

    def _segment(self, given: dict[str, str]) -> Segment:
        for names in self.config.segmentations:
            if set(names) == set(given):
                return tuple((name, given[name]) for name in names)
        raise ValueError(f"{sorted(given)} is not a configured segmentation: {self.config.segmentations}")
