"""A customer waits too long for a person."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction.mark import CALL, CHAT, ENDED, PERSON, TAKEN, Mark, Marks
from stream.friction.markers import UNSAID
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS, SECOND_MS

_ANSWERED = ((CHAT, PERSON, "chat."), (CALL, TAKEN, "call."))
"""What begins a wait, what ends it, and how their types and that of the end begin."""


class LongWait(Signal):
    """The customer waits in a chat, or on the telephone, longer than the target for that priority (`targets: wait`).

    It fires while the customer still waits, and holds for `open_hours` after that: the wait has been, whoever comes
    then. That a person was there in time, or the customer gone, may be told late; then it is over.
    Conversations are told apart by their sessions. As in the metrics, the earliest start, the earliest word of an agent
    and the earliest end count, and the wait that a source gives itself before ours.

    Example:
        >>> from stream.friction.story import event, found
        >>> chat = event("chat.started", session="s", priority="urgent")
        >>> found("long_wait", chat)
        ['0:00:30.001 to 24:00:30.001: 30.001 > 30, s']
        >>> found("long_wait", chat, event("chat.message", "0:00:30", session="s", author="agent"))
        []
    """

    hears = (CHAT, CALL, TAKEN)
    calmed_by = (PERSON, ENDED)
    thresholds = {"open_hours": 24}
    unit = "seconds"
    sign = ">"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self._targets_ms, self._open_ms = config.targets["wait"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = 2 * (self._open_ms + max(self._targets_ms.values()))

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        if new.key is None:
            return FOREVER_MS
        if kind == TAKEN or TAKEN in marks:
            return new.time_ms  # who took it may say how long it was
        return new.time_ms + self._targets_ms[new.note or ""] + 1

    def find(self, marks: Marks) -> Iterator[Finding]:
        for start, met, kind in _ANSWERED:
            if start in marks:
                persons = _earliest(marks, met)
                ends = _earliest(marks, ENDED, kind)
                for name, began in _earliest(marks, start).items():
                    yield from self._wait(began, persons.get(name), ends.get(name))

    def _wait(self, began: Mark, person: Mark | None, end: Mark | None) -> Iterator[Finding]:
        target_ms = self._targets_ms[began.note or ""]
        since_ms = began.time_ms + target_ms + 1
        last = end if person is None or (end is not None and end.time_ms < person.time_ms) else person
        waited_ms = since_ms - began.time_ms
        if last is not None:
            waited_ms = last.time_ms - began.time_ms
            if last is person and person.number != UNSAID:
                waited_ms = person.number
            if waited_ms <= target_ms:
                return
            since_ms = min(since_ms, max(last.time_ms, began.time_ms))
        evidence = (began,) if last is None else (began, last)
        until_ms = since_ms + self._open_ms
        yield Finding(since_ms, until_ms, waited_ms / SECOND_MS, target_ms / SECOND_MS, evidence, began.key)


def _earliest(marks: Marks, kind: str, of: str = "") -> dict[str, Mark]:
    """The first mark of a kind in each session, of touchpoints whose type begins so."""
    found: dict[str, Mark] = {}
    for each in marks.get(kind, ()):
        if each.key is not None and each.type.startswith(of):
            found.setdefault(each.key, each)
    return found
