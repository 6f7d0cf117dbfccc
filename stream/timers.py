"""Timers: what is to be looked at again once event time has come to a moment, whether or not anything happens.

They are kept in the state beside what they are for, under keys in order of when they are due:

    d │ first byte of the key │ due, 8 bytes │ rest of the key

A timer that was set for what is no longer to come does no harm: whoever is looked at says what it counts as.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from struct import pack, unpack_from

from stream.keeping import Scan
from stream.state import Changes

PREFIX = b"d"
_AT_ONCE = 5_000
"""Timers of a kind that a batch lets run out; fewer where one batch of state could not hold what came of them."""
_IDLE_MS = 2_000
"""Without a record for so long, event time goes on at the speed of the clock."""
NEVER_MS = 2**63

Due = tuple[int, bytes]
"""When a timer was due, and the key of what it is for."""


@dataclass(slots=True)
class Passing:
    """Event time that passes by itself: how far it has come, where that is beyond the watermark.

    It is as in the marker that is stored: were something counted by a time that a crash forgets, it would not be
    counted again, and whoever was told of it would not be told otherwise.
    """

    reached_ms: int

    def now_ms(self, watermark_ms: int) -> int:
        """How far event time has come."""
        return max(watermark_ms, self.reached_ms)

    def by_now(self, watermark_ms: int, silent_ms: int) -> int:
        """How far event time would have come, where it has not moved for so long by the clock."""
        return self.now_ms(watermark_ms) + max(0, silent_ms - _IDLE_MS)


class Timers:
    """The timers of one kind in one partition, for keys that begin with ``kind``.

    Before ``next_ms`` none of them is due; at first that is not known.
    """

    def __init__(self, scan: Scan, kind: bytes, passing: Passing) -> None:
        self._scan = scan
        self._prefix = PREFIX + kind
        self._kind = kind
        self._changes: Changes = {}
        self._young: list[bytes] = []
        self._left = self._at_once = _AT_ONCE
        self.passing = passing
        self.next_ms = 0

    def set(self, key: bytes, due_ms: int) -> None:
        """Have what is under ``key`` looked at again at ``due_ms``."""
        place = self._key(due_ms, key[1:])
        if self._changes.get(place) is None:
            heappush(self._young, place)
        self._changes[place] = b""
        self.next_ms = min(self.next_ms, due_ms)

    def next_due_ms(self) -> int:
        """When the next one is due."""
        if not self.next_ms:
            first = [*self._scan(self._key(0), self._key(NEVER_MS), 1), *self._young[:1]]
            self.next_ms = min(map(_due_ms, first), default=NEVER_MS)
        return self.next_ms

    def run_out(self, now_ms: int) -> list[Due]:
        """Those due by ``now_ms``, the earliest first, as far as the batch may hold them; they are done with."""
        if now_ms < self.next_ms or not self._left:
            return []
        end, limit = self._key(now_ms + 1), self._left + len(self._changes)
        due = {key for key in self._scan(self._prefix, end, limit) if key not in self._changes}
        while self._young and self._young[0] < end:
            due.add(heappop(self._young))
        found = sorted(due)
        for key in found[self._left :]:
            if key in self._changes:
                heappush(self._young, key)
        found = found[: self._left]
        self._changes |= dict.fromkeys(found)
        self._left -= len(found)
        if self._left:
            later = [*self._scan(end, self._key(NEVER_MS), 1), *self._young[:1]]
            self.next_ms = min(map(_due_ms, later), default=NEVER_MS)
        return [(_due_ms(key), self._kind + key[10:]) for key in found]

    def _key(self, due_ms: int, rest: bytes = b"") -> bytes:
        return self._prefix + pack(">Q", due_ms) + rest

    def changes(self) -> Changes:
        """What is to be written."""
        return self._changes.copy()

    def settle(self) -> None:
        """It is written."""
        self._changes.clear()
        self._young.clear()
        self._left = self._at_once = _AT_ONCE

    def rollback(self) -> None:
        """The last batch is not to be: what ran out in it is still to come."""
        self._changes.clear()
        self._young.clear()
        self._left = self._at_once = max(1, self._at_once // 2)
        self.next_ms = 0


def _due_ms(key: bytes) -> int:
    due_ms: int = unpack_from(">Q", key, 2)[0]
    return due_ms
