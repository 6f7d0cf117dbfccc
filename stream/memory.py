"""A store of state in memory: a dict, and its keys in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from sortedcontainers import SortedSet

from stream.state import Changes

Store = dict[bytes, bytes]


@dataclass(slots=True)
class Memory:
    """What one reader keeps.

    >>> memory = Memory()
    >>> memory.write({b"a1": b"x", b"a2": b"y"})
    >>> memory.write({b"a1": None})
    >>> memory.scan(b"a", b"b", 10)
    [b'a2']
    """

    store: Store = field(default_factory=dict)
    _in_order: dict[bytes, SortedSet] = field(default_factory=dict)

    def scan(self, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        """Keys from one up to another, in order: so are all of that kind kept from then on."""
        kind = start[:1]
        if kind not in self._in_order:
            self._in_order[kind] = SortedSet(key for key in self.store if key.startswith(kind))
        return list(islice(self._in_order[kind].irange(start, end, (True, False)), limit))

    def write(self, changes: Changes) -> None:
        """Keep these; what is None is forgotten."""
        for key, value in changes.items():
            in_order = self._in_order.get(key[:1])
            if value is None:
                self.store.pop(key, None)
                if in_order is not None:
                    in_order.discard(key)
            else:
                self.store[key] = value
                if in_order is not None:
                    in_order.add(key)
