"""State in memory: gone with the process, back from the changelog."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from sortedcontainers import SortedSet

from agents.stores.store import PartitionStore

Sorted = dict[bytes, SortedSet]
"""Keys in order, by their first byte: of those kinds that were ever looked for in order."""


class MemoryStore(PartitionStore):
    """One dictionary for each partition."""

    def __init__(self) -> None:
        self._data: dict[int, dict[bytes, bytes]] = {}
        self._sorted: dict[int, Sorted] = {}
        self._offsets: dict[int, int] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        data = self._data.get(partition)
        return None if data is None else data.get(key)

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        data, in_order = self._data.setdefault(partition, {}), self._sorted.setdefault(partition, {})
        for key, value in changes.items():
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value
            if (keys := in_order.get(key[:1])) is not None:
                keys.discard(key) if value is None else keys.add(key)
        self._offsets[partition] = offset

    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        return [key for key in self._data.get(partition, {}) if key.startswith(tuple(prefixes))]

    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        in_order, kind = self._sorted.setdefault(partition, {}), start[:1]
        if kind not in in_order:
            in_order[kind] = SortedSet(self.keys(partition, (kind,)))
        return list(islice(in_order[kind].irange(start, end, (True, False)), limit))

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
