"""Alarm clocks: who is to be woken when, in event time."""

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Alarms(Generic[T]):
    """One time for each; setting it anew replaces it.

    >>> alarms = Alarms[str]()
    >>> alarms.set("a", 10), alarms.set("b", 10), alarms.set("b", 20), alarms.due(15), alarms.due(15)
    (None, None, None, ['a'], [])
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        self._at: dict[int, dict[T, None]] = {}
        self._of: dict[T, int] = {}

    def set(self, who: T, time_ms: int) -> None:
        """Wake ``who`` at that time, and no more at the one before."""
        if self._of.get(who) == time_ms:
            return
        self.stop(who)
        self._of[who] = time_ms
        if time_ms not in self._at:
            self._at[time_ms] = {}
            heappush(self._times, time_ms)
        self._at[time_ms][who] = None

    def stop(self, who: T) -> None:
        """Wake ``who`` no more."""
        before_ms = self._of.pop(who, None)
        if before_ms is not None:
            del self._at[before_ms][who]

    def due(self, now_ms: int) -> list[T]:
        """Those whose time has come; each is told once."""
        found: list[T] = []
        while self._times and self._times[0] <= now_ms:
            found += self._at.pop(heappop(self._times))
        for who in found:
            del self._of[who]
        return found
