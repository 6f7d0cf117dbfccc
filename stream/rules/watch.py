"""The watch: puts the rules of one partition of cells to the test as event time goes on.

Pure: it reads history, and keeps where alerts stand in the state of the board that it belongs to. Each rule is tested
on each of its segments at each tick; what that is known to leave as it is, is not looked at: a segment of which nothing
has changed, which no slice has left, and none of whose alerts has its time come.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.alert import MetricAlert
from schemas.cell import Segment
from stream.cellmail import partition_of
from stream.config import Config
from stream.history import History
from stream.rules.alarms import Alarms
from stream.rules.alertstate import INACTIVE, AlertState, decode_alert_state, due_ms, step, withdraw
from stream.rules.ground import NEVER_MS, Ground, Moment
from stream.rules.numbering import Numbering
from stream.rules.plans import Plan, Plans
from stream.rules.rule import Rule
from stream.rules.usual import PREFIX as USUAL
from stream.rules.usual import Usual
from stream.slices import TEN_SECONDS_MS
from stream.state import State

ALERT = b"a"
"""First byte of the keys under which it is stored where alerts stand."""
RULE_GONE, SEGMENT_GONE = "the rule was removed", "nothing is kept of the segment any more"
"""Why an alert is resolved, where it is not by the values."""
_MOST_TICKS = 360
"""Ticks evaluated in one round. When catching up by more than an hour at once, rules see history in larger steps."""
_FIRST = -1
"""Before all rules, for the order of transitions."""


def rules_on(rules: Iterable[Rule], partition: int, partitions: int) -> list[Rule]:
    """The rules that a partition of cells is to watch: those on segments that it has, and those ``by`` dimensions."""
    return [rule for rule in rules if rule.by or partition_of(rule.segment, partitions) == partition]


@dataclass(slots=True)
class _Seat:
    """A segment that is watched: when each look of its plan has to be taken again, and when an alert has its time."""

    plan: Plan
    wakes_ms: list[int]
    due_ms: int = NEVER_MS

    @property
    def wake_ms(self) -> int:
        return min(self.due_ms, *self.wakes_ms)


Told = tuple[int, Segment, MetricAlert]
"""A transition, with its rule's index and its segment: the order in which those of a moment are told."""


class Watch:
    """The rules of one board over its history. ``keys`` are those that its state has of them.

    ``as_of_ms`` is when rules were tested the last time.
    """

    def __init__(
        self,
        config: Config,
        state: State,
        history: History,
        rules: Sequence[Rule],
        keys: Iterable[bytes] = (),
        as_of_ms: int = 0,
    ) -> None:
        self._config = config
        self._state = state
        self._history = history
        self._usual = Usual(state)
        self._numbering = Numbering(state)
        self._as_of_ms = as_of_ms
        self._told: dict[bytes, tuple[MetricAlert, ...]] = {}
        known = list(keys)
        self._known = {key for key in known if key.startswith(ALERT)}
        self._active: dict[Segment, dict[bytes, int]] = {}
        self._gone: dict[bytes, str] = {}
        self._leaving: set[bytes] = set()
        self._tested_ms: dict[bytes, int] = {}
        self.take_over(rules)
        self._usual.prune((key for key in known if key.startswith(USUAL)), self._plans.learnt)

    def take_over(self, rules: Sequence[Rule]) -> None:
        """From now on, these are the rules. Alerts of rules that are gone are resolved with the next test."""
        self._plans = Plans(self._config, rules)
        self._seats: dict[Segment, _Seat] = {}
        self._alarms = Alarms[Segment]()
        self._active.clear()
        self._ahead: set[Segment] = set()
        self._stirred: set[Segment] = {*self._history.segments(), *self._plans.fixed}
        self._leaving.clear()
        self._tested_ms.clear()
        for key in sorted(self._known):
            self._claim(key, self._stored(key))

    def _claim(self, key: bytes, state: AlertState) -> None:
        """Find the rule that an alert is by.

        A state may be ahead of the clock, where a crash came between them as a large round was written: the alert was
        tested up to its last transition.
        """
        at, segment = self._rule_of(key, state)
        if state.last and state.last[-1].at_ms > self._as_of_ms:
            self._tested_ms[key] = state.last[-1].at_ms
        if state.status == "inactive":
            if at is None or (self._plans.rules[at].by and not self._history.knows(segment)):
                self._leaving.add(key)
        elif at is None:
            self._gone[key] = RULE_GONE
        else:
            self._gone.pop(key, None)
            self._active.setdefault(segment, {})[key] = at
            self._stirred.add(segment)

    def _rule_of(self, key: bytes, state: AlertState) -> tuple[int | None, Segment]:
        """Index of the rule, None where there is none any more, and segment."""
        fingerprint = key[len(ALERT) :].decode()
        if state.alert:
            return self._plans.rule_of(state.alert, state.segment, fingerprint), state.segment
        at = self._plans.named(fingerprint)
        return at, () if at is None else self._plans.rules[at].segment

    def evaluate(self, before_ms: int, now_ms: int) -> list[MetricAlert]:
        """Put every rule to the test at each tick after ``before_ms`` and at ``now_ms``; the transitions, in order."""
        self._told.clear()
        self._stirred |= self._history.changed
        self._history.changed.clear()
        moments = [(tick_ms, True) for tick_ms in _ticks(before_ms, now_ms)]
        return [alert for at_ms, closed in (*moments, (now_ms, False)) for alert in self._test(at_ms, closed)]

    def look_back(self, at_ms: int) -> list[MetricAlert]:
        """Put every rule to the test at a moment of the past: what there is of then and later is not seen."""
        self._told.clear()
        self._history.changed.clear()
        self._stirred = {*self._history.segments(), *self._plans.fixed}  # ticks are far apart, slices are coarse
        return list(self._test(at_ms, closed=True))

    def _test(self, now_ms: int, closed: bool) -> Iterator[MetricAlert]:
        moment = Moment(self._config.calendar, now_ms, closed, self._as_of_ms)
        self._as_of_ms = now_ms
        stirred, self._stirred = self._stirred, set()
        told: list[Told] = []
        for segment in stirred:
            self._seat(segment)
        if not closed:
            stirred |= self._see_ahead()
        for segment in stirred.union(self._alarms.due(now_ms)):
            if (seat := self._seats.get(segment)) is not None:
                told += self._look(segment, seat, moment)
        told += self._withdraw(now_ms)
        yield from (alert for _, _, alert in sorted(told, key=lambda each: each[:2]))

    def _see_ahead(self) -> set[Segment]:
        """The segments of which an open moment sees more than the closed ones before it did."""
        ahead, self._ahead = self._ahead, set()
        for segment in ahead & self._seats.keys():
            seat = self._seats[segment]
            seat.wakes_ms = [0] * len(seat.wakes_ms)
        return ahead

    def _seat(self, segment: Segment) -> None:
        """Something has changed: all of the segment has to be looked at again."""
        has_data = self._history.knows(segment)
        plan = self._plans.of(segment, has_data)
        if not has_data:
            self._leave(segment, set() if plan is None else set(plan.rules))
        if plan is None:
            self._seats.pop(segment, None)
            self._alarms.stop(segment)
        else:
            self._seats[segment] = _Seat(plan, [0] * len(plan.looks))

    def _leave(self, segment: Segment, kept: set[int]) -> None:
        """Nothing is kept of a segment: its alerts go, but for those of rules that name it."""
        active = self._active.get(segment, {})
        for key in [key for key, at in active.items() if at not in kept]:
            del active[key]
            self._gone[key] = SEGMENT_GONE
        self._usual.forget(self._plans.learnt, segment)

    def _look(self, segment: Segment, seat: _Seat, moment: Moment) -> Iterator[Told]:
        ground = Ground(self._history, self._usual, segment, moment)
        stirred = {self._key(at, segment): at for at in _stirred(seat, ground, moment)}
        stirred |= self._active.get(segment, {})
        if stirred:
            yield from self._step(segment, seat, stirred, ground, moment.now_ms)
        if moment.is_learning:
            for look in seat.plan.looks:
                for measure in look.learnt:
                    ground.learn(measure, look.window)
        if moment.closed and ground.is_ahead:
            self._ahead.add(segment)
        if seat.wake_ms < NEVER_MS:
            self._alarms.set(segment, seat.wake_ms)

    def _step(
        self, segment: Segment, seat: _Seat, stirred: dict[bytes, int], ground: Ground, now_ms: int
    ) -> Iterator[Told]:
        seat.due_ms = NEVER_MS
        for key, at in stirred.items():
            tested_ms = self._tested_ms.get(key, 0)
            if now_ms <= tested_ms:
                seat.due_ms = min(seat.due_ms, tested_ms + 1)
                continue
            rule, state = self._plans.rules[at], self._stored(key)
            new, alert = step(rule, segment, state, ground.findings(rule), now_ms)
            if alert is not None:
                yield at, segment, alert
            self._keep(key, state, new, alert)
            if new.status == "inactive":
                self._active.get(segment, {}).pop(key, None)
                continue
            self._active.setdefault(segment, {})[key] = at
            due = due_ms(rule, new)
            if due is not None and due > now_ms:
                seat.due_ms = min(seat.due_ms, due)

    def _withdraw(self, now_ms: int) -> Iterator[Told]:
        """Resolve the alerts whose ground is gone."""
        gone, self._gone = self._gone, {}
        for key, reason in gone.items():
            state = self._stored(key)
            new, alert = withdraw(state, now_ms, reason)
            if alert is not None:
                yield _FIRST, state.segment, alert
            self._keep(key, state, new, alert)
            self._leaving.add(key)

    def sent(self) -> None:
        """All that was told has reached subscribers: what is left of alerts without a rule or a segment goes."""
        for key in self._leaving & self._known:
            state = self._stored(key)
            if state.status == "inactive":
                self._numbering.forget(state.sequence)
                self._known.discard(key)
                self._state.delete(key)
        self._leaving.clear()

    def _key(self, at: int, segment: Segment) -> bytes:
        return ALERT + self._plans.rules[at].fingerprint_of(segment).encode()

    def _stored(self, key: bytes) -> AlertState:
        found = self._state.get(key, decode_alert_state) if key in self._known else None
        if found is None:
            highest = self._numbering.highest
            return replace(INACTIVE, sequence=highest) if highest else INACTIVE
        return found

    def _keep(self, key: bytes, old: AlertState, new: AlertState, alert: MetricAlert | None) -> None:
        """Store where an alert stands; of one that never fired, nothing is kept."""
        is_nothing = new.status == "inactive" and not new.last
        if alert is not None:
            self._told[key] = (*self._told.get(key, ()), alert)
            new = replace(new, last=self._told[key])
        if is_nothing and key in self._known:
            self._known.discard(key)
            self._state.delete(key)
        elif new is not old and not is_nothing:
            self._known.add(key)
            self._state.put(key, new)

    def states(self) -> dict[str, AlertState]:
        """Where every alert stands that is not inactive, or has fired before, by its fingerprint."""
        return {key[len(ALERT) :].decode(): self._stored(key) for key in sorted(self._known)}

    def standing(self) -> list[MetricAlert]:
        """The last transitions of every alert: sent again after a restart, for what a crash kept from being sent."""
        return [alert for key in sorted(self._known) for alert in self._stored(key).last]


def _stirred(seat: _Seat, ground: Ground, moment: Moment) -> list[int]:
    """The rules that may hold by what has to be looked at again."""
    found: list[int] = []
    for number, look in enumerate(seat.plan.looks):
        if seat.wakes_ms[number] <= moment.now_ms or (moment.is_learning and look.learnt):
            for band in look.bands:
                found += band.stirred(*ground.measured(band.measure, look.window)[:2])
            seat.wakes_ms[number] = ground.wake_ms(look.window, look.has_change, bool(look.learnt))
    return found


def _ticks(before_ms: int, now_ms: int) -> range:
    """Every 10 s after ``before_ms`` up to ``now_ms``; fewer where that would be too many, or the start is unknown."""
    if before_ms == 0:
        return range(0)
    first_ms = before_ms - before_ms % TEN_SECONDS_MS + TEN_SECONDS_MS
    step_ms = TEN_SECONDS_MS * (1 + max(0, now_ms - first_ms) // (TEN_SECONDS_MS * _MOST_TICKS))
    return range(first_ms, now_ms + 1, step_ms)
