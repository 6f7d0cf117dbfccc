"""The friction of the customers of one partition: marks are kept, signals asked, and alerts told of.

Whatever a customer's marks say is a matter of their times, not of the order in which they came. So a touchpoint that is
late, corrects another one, or is another customer's after all, resolves what it takes the ground from.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

import orjson
from msgspec.structs import replace

from schemas.alert import Evidence, FrictionAlert
from schemas.touchpoint import Touchpoint
from stream.config import KEPT_MS, Config
from stream.friction import signals
from stream.friction.kept import Friction, decode
from stream.friction.mark import DAY, Mark, count, prune, put, when
from stream.friction.markers import Said, marked, markers
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.friction.slow_page import SlowPage
from stream.segments import Values
from stream.state import State
from stream.timers import Timers

KIND = b"f"
"""First byte of the keys under which friction is kept."""
_ACTIVE: Said = (DAY, None, 0, None)
_EVIDENCE = 10
"""The last marks that an alert names."""


def fingerprint(signal: str, customer: str) -> str:
    """The identity of an alert: the signal and the customer.

    >>> fingerprint("repeat_contact", "ann")
    '0f48afd50436f11c'
    """
    return blake2b(orjson.dumps([signal, customer]), digest_size=8).hexdigest()


class Frictions:
    """Keeps marks and asks signals. ``told`` are the transitions of this batch; ``events`` what may leave a mark."""

    def __init__(self, config: Config, state: State, timers: Timers) -> None:
        self._signals = signals(config)
        self._dimensions = config.dimensions
        self._kept_ms = config.kept("customer")
        self._state = state
        self._timers = timers
        self._stirred: dict[str, list[Signal]] = defaultdict(list)
        self._calmed: dict[str, list[Signal]] = defaultdict(list)
        self._horizons_ms: dict[str, int] = {}
        for signal in self._signals:
            for hearers, kinds in ((self._stirred, signal.hears), (self._calmed, signal.calmed_by)):
                for kind in kinds:
                    hearers[kind].append(signal)
                    self._horizons_ms[kind] = max(self._horizons_ms.get(kind, 0), signal.horizon_ms)
        slow_ms = next((each.slow_ms for each in self._signals if isinstance(each, SlowPage)), FOREVER_MS)
        self._markers: dict[type[Touchpoint], Callable[[Any], Said | None]] = markers(slow_ms)
        self._names = {each.name for each in self._signals}
        set_as = [(each.name, each.set, each.level, each.cooldown_ms) for each in self._signals]
        self._course = crc32(repr((set_as, config.targets, config.calendar)).encode())
        self._by_days = DAY in self._horizons_ms
        self.events = frozenset(self._markers)
        self.told: list[FrictionAlert] = []

    def take(self, event: Touchpoint, values: Values, watermark_ms: int, is_new_day: bool = False) -> None:
        """A touchpoint has come, which may matter to no signal; by it the day may be a new one of activity."""
        marker = self._markers.get(type(event))
        said = None if marker is None else marker(event)
        if said is not None and said[0] in self._horizons_ms:
            self._mark(event, values, (_ACTIVE, said) if is_new_day and self._by_days else (said,), watermark_ms)
        elif is_new_day and self._by_days:
            self._mark(event, values, (_ACTIVE,), watermark_ms)

    def _mark(self, event: Touchpoint, values: Values, all_said: Sequence[Said], watermark_ms: int) -> None:
        name, now_ms = event.customer, self._timers.passing.now_ms(watermark_ms)
        key = KIND + name.encode()
        friction = self._until_now(key, name, now_ms)
        friction.touched_ms = watermark_ms
        come = [(said[0], marked(event, values, said)) for said in all_said]
        for kind, mark in come:
            put(friction.marks, kind, mark)
            prune(friction.marks, kind, now_ms - self._horizons_ms[kind])
        if friction.course != self._course or not friction.marks:
            self._look(key, friction, name, now_ms)
            return
        next_ms = friction.due_ms or self._over_ms(friction)
        for kind, mark in come:
            for signal in self._stirred.get(kind, ()):
                next_ms = min(next_ms, self._stir(friction, name, signal, kind, mark, now_ms))
            if friction.firing:
                for signal in self._calmed.get(kind, ()):
                    if signal.name in friction.firing:
                        next_ms = min(next_ms, self._ask(friction, name, signal, now_ms))
        self._wake(key, friction, next_ms, now_ms)

    def _stir(self, friction: Friction, name: str, signal: Signal, kind: str, mark: Mark, now_ms: int) -> int:
        """A mark has come of a kind that a signal hears: when what it says of it may be otherwise."""
        if signal.name not in friction.firing:
            soonest_ms = signal.soonest_ms(kind, mark, friction.marks)
            if soonest_ms > now_ms:
                return soonest_ms
        return self._ask(friction, name, signal, now_ms)

    def _until_now(self, key: bytes, name: str, now_ms: int) -> Friction:
        """What is kept of the customer of that name, to be changed: all that time has done so far is done."""
        friction = self._state.change(key, decode, self._begin)
        self._suit(friction)
        if 0 < friction.due_ms <= now_ms:
            while 0 < friction.due_ms <= now_ms:
                friction.due_ms = self._see(friction, name, friction.due_ms)
            if friction.due_ms:
                self._timers.set(key, friction.due_ms)
        return friction

    def _begin(self) -> Friction:
        """What is kept of somebody of whom nothing is known."""
        return Friction(dimensions=self._dimensions, course=self._course)

    def _look(self, key: bytes, friction: Friction, name: str, now_ms: int) -> None:
        """Ask all signals, and have the customer looked at again when time may change what they say."""
        self._wake(key, friction, self._see(friction, name, now_ms), now_ms)

    def _see(self, friction: Friction, name: str, now_ms: int) -> int:
        """Ask all signals at a moment; the next moment of which something may depend, 0 where there is none."""
        if now_ms >= friction.touched_ms + self._kept_ms:
            friction.marks.clear()  # the customer is forgotten
        for kind in list(friction.marks):
            prune(friction.marks, kind, now_ms - self._horizons_ms.get(kind, 0))
        for unknown in sorted(friction.firing.keys() - self._names):
            self._resolve(friction, unknown, now_ms)
        next_ms = FOREVER_MS
        for signal in self._signals:
            if signal.name in friction.firing or count(friction.marks, signal.hears) >= signal.least:
                next_ms = min(next_ms, self._ask(friction, name, signal, now_ms))
        friction.resolved = {of: last for of, last in friction.resolved.items() if last[1] + KEPT_MS > now_ms}
        friction.course = self._course
        return min(next_ms, self._over_ms(friction)) if friction.marks or friction.resolved else 0

    def _over_ms(self, friction: Friction) -> int:
        """When nothing of what is kept matters any more."""
        if friction.marks:
            over = (found[-1].time_ms + self._horizons_ms.get(kind, 0) for kind, found in friction.marks.items())
            return min(max(over), friction.touched_ms + self._kept_ms)
        return max(at_ms for _, at_ms in friction.resolved.values()) + KEPT_MS

    def _ask(self, friction: Friction, name: str, signal: Signal, now_ms: int) -> int:
        """Whether a signal finds anything now; and when, by what is known, that may be otherwise."""
        live: list[Finding] = []
        next_ms = FOREVER_MS
        for found in signal.find(friction.marks):
            if found.until_ms > now_ms and found.until_ms > found.since_ms:
                next_ms = min(next_ms, found.until_ms if found.since_ms <= now_ms else found.since_ms)
                if found.since_ms <= now_ms:
                    live.append(found)
        alert = friction.firing.get(signal.name)
        if alert is not None and all(found.about != alert.about for found in live):
            self._resolve(friction, signal.name, now_ms)
            alert = None
        if alert is None and live:
            _, resolved_ms = friction.resolved.get(signal.name, (0, -FOREVER_MS))
            if now_ms < resolved_ms + signal.cooldown_ms:
                return min(next_ms, resolved_ms + signal.cooldown_ms)
            self._fire(friction, name, signal, min(live, key=_first), now_ms)
        return next_ms

    def _fire(self, friction: Friction, customer: str, signal: Signal, found: Finding, now_ms: int) -> None:
        sequence = friction.resolved.pop(signal.name, (0, 0))[0] + 1
        evidence, identity = sorted(found.evidence, key=when), fingerprint(signal.name, customer)
        last = evidence[-1]
        labels = {
            name: value for name, value in zip(friction.dimensions, last.values, strict=True) if value is not None
        }
        alert = friction.firing[signal.name] = FrictionAlert(
            id=f"{identity}-{sequence}-firing",
            fingerprint=identity,
            alert=signal.name,
            state="firing",
            severity=signal.level,
            labels={**labels, "channel": last.channel},
            sequence=sequence,
            since_ms=found.since_ms,
            at_ms=now_ms,
            annotations=dict(found.notes),
            customer=customer,
            value=found.value,
            bound=found.bound,
            evidence=tuple(map(_evidence, evidence[-_EVIDENCE:])),
            about=found.about,
            due_ms=found.due_ms,
        )
        self.told.append(alert)

    def _resolve(self, friction: Friction, signal: str, now_ms: int) -> None:
        alert = friction.firing.pop(signal)
        friction.resolved[signal] = alert.sequence, now_ms
        identity = f"{alert.fingerprint}-{alert.sequence}-resolved"
        self.told.append(replace(alert, id=identity, state="resolved", at_ms=now_ms))

    def _wake(self, key: bytes, friction: Friction, next_ms: int, now_ms: int) -> None:
        """Have the customer looked at at ``next_ms``, or forgotten where there is nothing to look at.

        A moment that is set already and earlier will do: then it is seen that nothing has changed.
        """
        if not next_ms or not (friction.marks or friction.firing or friction.resolved):
            self._state.delete(key)
        elif not now_ms < friction.due_ms <= next_ms:
            friction.due_ms = next_ms
            self._timers.set(key, next_ms)

    def run_out(self, watermark_ms: int) -> None:
        """Look at the customers for whom time alone may have changed something."""
        now_ms = self._timers.passing.now_ms(watermark_ms)
        for due_ms, key in self._timers.run_out(now_ms):
            friction = self._state.get(key, decode)
            if friction is not None and friction.due_ms == due_ms:
                self._until_now(key, key[1:].decode(), now_ms)
                if not friction.due_ms:
                    self._state.delete(key)

    def _suit(self, friction: Friction) -> None:
        """Marks of other settings have the values of other dimensions."""
        if friction.dimensions == self._dimensions:
            return
        for kind, found in friction.marks.items():
            known = [dict(zip(friction.dimensions, each.values, strict=False)) for each in found]
            friction.marks[kind] = [
                replace(each, values=tuple(values.get(name) for name in self._dimensions))
                for each, values in zip(found, known, strict=True)
            ]
        friction.dimensions = self._dimensions

    def withdraw(self, name: str, watermark_ms: int) -> bytes | None:
        """The customer of that name is another one from now on: what there is to be handed over, if anything.

        How often alerts have fired stays here, so that none of this name ever has the id of an earlier one.
        """
        key, now_ms = KIND + name.encode(), self._timers.passing.now_ms(watermark_ms)
        if self._state.get(key, decode) is None:
            return None
        friction = self._until_now(key, name, now_ms)
        stored = Friction(friction.marks, friction.dimensions).encode() if friction.marks else None
        friction.marks = {}
        self._look(key, friction, name, now_ms)
        return stored

    def absorb(self, name: str, stored: bytes, watermark_ms: int) -> None:
        """The marks of another id of the same customer are this one's."""
        key, now_ms = KIND + name.encode(), self._timers.passing.now_ms(watermark_ms)
        other, friction = decode(stored), self._until_now(key, name, now_ms)
        self._suit(other)
        for kind, found in other.marks.items():
            for mark in found:
                put(friction.marks, kind, mark)
        friction.touched_ms = watermark_ms
        self._look(key, friction, name, now_ms)

    def clear(self) -> None:
        """Begin the next batch."""
        self.told.clear()


def _first(found: Finding) -> tuple[int, str]:
    return found.since_ms, found.about or ""


def _evidence(mark: Mark) -> Evidence:
    return Evidence(id=mark.event, type=mark.type, time_ms=mark.time_ms, channel=mark.channel)
