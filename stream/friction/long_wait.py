"""A customer waits too long for a person."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.mark import Mark, Marks, of_kinds
from stream.friction.markers import UNSAID
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS, SECOND_MS

_STARTS = (mark.CHAT, mark.CALL)


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

    hears = (*_STARTS, mark.TAKEN)
    calmed_by = (mark.PERSON, mark.ENDED)
    thresholds = {"open_hours": 24}
    unit = "seconds"
    sign = ">"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self._targets_ms, self._open_ms = config.targets["wait"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = 2 * (self._open_ms + max(self._targets_ms.values()))

    def find(self, marks: Marks) -> Iterator[Finding]:
        firsts: dict[tuple[bool, str], Mark] = {}
        for each in of_kinds(marks, _STARTS):
            if each.key is not None:
                firsts.setdefault((_by_phone(each), each.key), each)
        if not firsts:
            return
        persons, ends = _earliest(marks, mark.PERSON, mark.TAKEN), _earliest(marks, mark.ENDED)
        for name, began in firsts.items():
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


def _by_phone(each: Mark) -> bool:
    return each.type.startswith("call.")


def _earliest(marks: Marks, *kinds: str) -> dict[tuple[bool, str], Mark]:
    found: dict[tuple[bool, str], Mark] = {}
    for each in (each for kind in kinds for each in marks.get(kind, ())):
        if each.key is not None:
            found.setdefault((_by_phone(each), each.key), each)
    return found
