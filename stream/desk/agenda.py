"""What is to be looked at next, by when it is due."""

from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Agenda(Generic[_Key]):
    """Each key is due at one time; of those due at the same, the one that came first is first."""

    def __init__(self) -> None:
        self._due: dict[_Key, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, _Key]] = []
        self._numbers = count()

    def plan(self, key: _Key, due_ms: int) -> None:
        """``key`` is due at ``due_ms``, whatever was planned before."""
        before = self._due.get(key)
        if before is None or before[0] != due_ms:
            number = next(self._numbers) if before is None else before[1]
            self._due[key] = due_ms, number
            heappush(self._heap, (due_ms, number, key))

    def drop(self, key: _Key) -> None:
        """Nothing is planned any more."""
        self._due.pop(key, None)

    def first(self, now_ms: int) -> _Key | None:
        """What is due first, if anything is; it stays so until it is planned anew or dropped."""
        while self._heap and self._heap[0][0] <= now_ms:
            due_ms, number, key = self._heap[0]
            if self._due.get(key) == (due_ms, number):
                return key
            heappop(self._heap)
        return None
