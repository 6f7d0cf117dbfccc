"""State in memory: gone with the process, back from the changelog."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from sortedcontainers import SortedSet

from agents.stores.store import PartitionStore
from stream.keeping import LIST
from stream.timers import PREFIX as TIMER

_SCANNED = (LIST, TIMER)
"""How keys begin that are looked for in order."""


class MemoryStore(PartitionStore):
    """One dictionary for each partition."""

    def __init__(self) -> None:
        self._data: dict[int, dict[bytes, bytes]] = {}
        self._sorted: dict[int, SortedSet] = {}
        self._offsets: dict[int, int] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        data = self._data.get(partition)
        return None if data is None else data.get(key)

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        data, in_order = self._data.setdefault(partition, {}), self._sorted.setdefault(partition, SortedSet())
        for key, value in changes.items():
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value
            if key.startswith(_SCANNED):
                in_order.discard(key) if value is None else in_order.add(key)
        self._offsets[partition] = offset

    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        return [key for key in self._data.get(partition, {}) if key.startswith(tuple(prefixes))]

    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        in_order = self._sorted.get(partition, ())
        return list(islice(in_order.irange(start, end, (True, False)), limit)) if in_order else []

    def offset(self, partition: int) -> int | None:
        return self._offsets.get(partition)

    def release(self, partition: int) -> None:
        self._data.pop(partition, None)
        self._sorted.pop(partition, None)
        self._offsets.pop(partition, None)

    def drop(self, partition: int, why: str) -> None:
        self.release(partition)

    def close(self) -> None:
        self._data.clear()
        self._sorted.clear()
        self._offsets.clear()
