"""State in memory: gone with the process, back from the changelog."""

from collections.abc import Iterable, Mapping, Sequence

from agents.stores.store import PartitionStore
from stream.keeping import scanned


class MemoryStore(PartitionStore):
    """One dictionary for each partition."""

    def __init__(self) -> None:
        self._data: dict[int, dict[bytes, bytes]] = {}
        self._offsets: dict[int, int] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        data = self._data.get(partition)
        return None if data is None else data.get(key)

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        data = self._data.setdefault(partition, {})
        for key, value in changes.items():
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value
        self._offsets[partition] = offset

    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        return [key for key in self._data.get(partition, {}) if key.startswith(tuple(prefixes))]

    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        return scanned(self._data.get(partition, {}), start, end, limit)

    def offset(self, partition: int) -> int | None:
        return self._offsets.get(partition)

    def release(self, partition: int) -> None:
        self._data.pop(partition, None)
        self._offsets.pop(partition, None)

    def drop(self, partition: int, why: str) -> None:
        self.release(partition)

    def close(self) -> None:
        self._data.clear()
        self._offsets.clear()
