"""A rehearsal: touchpoints of the past through the whole pipeline, with no broker, as event time went on.

    take ─► Fold ─► Board ─► alerts
              └────────────► frictions

It is one partition of a worker that always keeps up: rules are tested at each 10 s of event time, and nothing is there
before its time. Nothing but the state is kept, so that it takes as many touchpoints as there are.
"""

from collections.abc import Callable, Iterable, Sequence

from schemas.alert import FrictionAlert, MetricAlert
from schemas.rejected import Rejected
from stream.board import Board
from stream.cellmail import mail
from stream.config import Config
from stream.fold import Fold
from stream.folded import Folded
from stream.memory import Memory
from stream.record import Line
from stream.rules.alertstate import AlertState
from stream.rules.rule import Rule
from stream.slices import HOUR_MS, MINUTE_MS, SECOND_MS

Timed = tuple[int, bytes]
"""When a touchpoint was, as far as that is known, and its bytes."""
_IDLE_MS = 2 * SECOND_MS
"""For so long event time stands still, where nothing comes: see ``Progress`` and ``Passing``."""


class Rehearsal:
    """The pipeline, as far as alerts go. ``alerts``, ``frictions`` and ``rejected`` are what came of it so far.

    >>> rehearsal = Rehearsal(Config(), [Rule("Any", "touchpoints", "5m", "above", 0)])
    >>> event = b'{"type": "chat.started", "id": "1", "time": 1767225600000, "customer": "ann", "channel": "web"}'
    >>> rehearsal.take([(1767225600000, event)], 1767226200000)
    >>> [(alert.state, alert.at_ms - 1767225600000) for alert in rehearsal.alerts]
    [('firing', 0), ('resolved', 310000)]
    """

    def __init__(self, config: Config, rules: Sequence[Rule]) -> None:
        self.alerts: list[MetricAlert] = []
        self.frictions: list[FrictionAlert] = []
        self.rejected: list[Rejected] = []
        self._kept, self._counted = Memory(), Memory()
        self._fold = Fold(config, "touchpoints", 0, self._kept.store.get, (), self._kept.scan)
        self._board = Board(config, rules, self._counted.store.get)
        self._latest_ms = self._reached_ms = 0
        self._mailed = 0

    def take(self, events: Iterable[Timed], now_ms: int) -> None:
        """Take in touchpoints of a time up to ``now_ms``, and let event time come to that."""
        given = list(events)
        if given and not self._reached_ms:
            self._bring(given[:1], given[0][0])  # from then on rules are tested
            del given[0]
        while self._reached_ms and now_ms - self._reached_ms > HOUR_MS:
            self._bring([each for each in given if each[0] <= self._reached_ms + HOUR_MS], self._reached_ms + HOUR_MS)
            given = [each for each in given if each[0] > self._reached_ms]
        self._bring(given, now_ms)

    def _bring(self, given: Sequence[Timed], now_ms: int) -> None:
        """The same, within an hour: of a longer one a board tests fewer moments."""
        self._reached_ms = now_ms
        self._latest_ms = max([self._latest_ms, *(time_ms for time_ms, _ in given)])
        self._process([value for _, value in given])
        for _ in range(2):  # how far event time has come, and what is due by that
            self._include(self._fold.go_on(now_ms + _IDLE_MS))
        self.alerts += self._board.evaluate(now_ms + _IDLE_MS)
        if self._board.state.is_changed:
            self._counted.write(dict(self._board.changes()))
            self._board.state.settle()

    def play(self, events: Iterable[Timed], on_time: Callable[[int], None] = lambda time_ms: None) -> None:
        """Take in touchpoints minute by minute, in their order; one that comes after its minute comes late."""
        waiting: list[Timed] = []
        now_ms = 0
        for time_ms, value in events:
            if now_ms and time_ms >= now_ms:
                self.take(waiting, now_ms)
                waiting = []
                on_time(now_ms)
            if time_ms >= now_ms:
                now_ms = time_ms - time_ms % MINUTE_MS + MINUTE_MS
            waiting.append((time_ms, value))
        if now_ms:
            self.take(waiting, now_ms)

    def states(self) -> dict[str, AlertState]:
        """Where alerts about metrics stand that are not inactive, or have fired before, by fingerprint."""
        return self._board.watch.states()

    def _process(self, values: Sequence[bytes]) -> None:
        """Fold these, and what follows from one customer being another."""
        while values:
            first = self._fold.marker.offset + 1
            lines = [Line(first + at, None, value) for at, value in enumerate(values)]
            folded = self._fold.process(lines, self._latest_ms)
            self._include(folded)
            values = [value for _, value in folded.handed]

    def _include(self, folded: Folded) -> None:
        if not folded.changes:
            return
        self.frictions += folded.alerts
        self.rejected += folded.rejected
        pairs = mail(folded, 0, 1, 0)[0]
        lines = [Line(self._mailed + at, key, value) for at, (key, value) in enumerate(pairs)]
        self._mailed += len(lines)
        self._board.merge(lines, self._latest_ms)
        self._kept.write(folded.changes)
        self._fold.settle()
