"""A partition's state as the core sees it: objects by key, over a store of bytes.

Objects are decoded on first use and kept while there is room. What changed is handed over as bytes by ``changes``;
``settle`` follows once these are durable, ``rollback`` undoes all since the last one.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Protocol, TypeVar

HOT_BYTES = 128 * 1024 * 1024
"""Room for the decoded objects of one partition."""
_OBJECT_BYTES, _BYTES_PER_BYTE = 600, 3
"""What an object takes beside its encoding, and for each byte of it: measured on customers, tickets and cells."""
_LEFT = 0.9
"""How full the room is once objects had to go."""


class Stored(Protocol):
    """An object that lives in the state."""

    def encode(self) -> bytes: ...


S = TypeVar("S", bound=Stored)
Load = Callable[[bytes], bytes | None]
"""Reads one key of the store; None where it is absent."""
Changes = dict[bytes, bytes | None]
"""New bytes by key; None deletes."""


class State:
    """Objects by key. The first byte of a key says what kind of object it holds.

    ``room`` is the memory for decoded objects, in bytes; what they take is judged by the mean size of their encodings.

    While changes are being made durable, further ones may be made: these belong to the next ``changes``.
    """

    def __init__(self, load: Load, room: int = HOT_BYTES) -> None:
        self._load = load
        self._room = room
        self._objects: dict[bytes, Stored] = {}
        self._mean_bytes = 0.0
        self._changed: dict[bytes, Stored | None] = {}
        self._pending: dict[bytes, Stored | None] = {}

    def get(self, key: bytes, decode: Callable[[bytes], S]) -> S | None:
        """The object under ``key``; None where there is none. Changing it needs a ``put``."""
        found = self._objects.get(key)
        if found is not None:
            return found  # type: ignore[return-value]  # one kind of object for each first byte of a key
        if key in self._changed or key in self._pending:
            return None
        data = self._load(key)
        if data is None:
            return None
        loaded = self._objects[key] = decode(data)
        self._weigh(1, len(data))
        return loaded

    def put(self, key: bytes, value: Stored) -> None:
        """Set the object under ``key``."""
        self._objects[key] = self._changed[key] = value

    def held(self, keys: Iterable[bytes]) -> list[Any]:
        """The objects under these keys, as far as they are decoded: for ``change``, which then need not look."""
        return list(map(self._objects.get, keys))

    def change(self, key: bytes, decode: Callable[[bytes], S], new: Callable[[], S], held: S | None = None) -> S:
        """The object under ``key``, or a new one, put there to be changed; ``held`` if it is at hand."""
        found = held or self._objects.get(key)
        if found is None:
            found = self._objects[key] = self.get(key, decode) or new()
        self._changed[key] = found
        return found  # type: ignore[return-value]  # one kind of object for each first byte of a key

    def delete(self, key: bytes) -> None:
        """Remove what is under ``key``, if anything."""
        self._objects.pop(key, None)
        self._changed[key] = None

    @property
    def held_bytes(self) -> int:
        """What the decoded objects are judged to take."""
        return round(len(self._objects) * self._each_bytes)

    @property
    def is_changed(self) -> bool:
        """True where there is something for ``changes`` to hand over."""
        return bool(self._changed)

    @property
    def changed(self) -> Mapping[bytes, Stored | None]:
        """What changed since ``changes`` was last asked for, by key, in the order in which it first did."""
        return self._changed

    def changes(self) -> Changes:
        """What changed since it was last asked for, encoded."""
        self._pending, self._changed = self._changed, {}
        changes: Changes = {key: None if value is None else value.encode() for key, value in self._pending.items()}
        kept = [data for data in changes.values() if data is not None]
        self._weigh(len(kept), sum(map(len, kept)))
        return changes

    def settle(self) -> None:
        """What ``changes`` handed over is in the store now. Objects beyond the room go, the longest held first."""
        self._pending.clear()
        if self.held_bytes > self._room:
            surplus = len(self._objects) - int(self._room * _LEFT / self._each_bytes)
            for key in list(islice((key for key in self._objects if key not in self._changed), surplus)):
                del self._objects[key]

    @property
    def _each_bytes(self) -> float:
        return _OBJECT_BYTES + _BYTES_PER_BYTE * self._mean_bytes

    def _weigh(self, objects: int, size: int) -> None:
        """So many were encoded or decoded, of that size together: it counts for their part of all."""
        if objects:
            part = min(1.0, objects / len(self._objects)) if self._objects else 1.0
            self._mean_bytes += (size / objects - self._mean_bytes) * part

    def rollback(self) -> None:
        """Forget all changes since the last ``settle``: what they touched is read from the store again."""
        for key in (*self._changed, *self._pending):
            self._objects.pop(key, None)
        self._changed.clear()
        self._pending.clear()
