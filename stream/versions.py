"""The shapes of stored objects over time: older ones are migrated one by one, as they are read.

What is stored in a later shape than the first begins with a byte that no msgpack begins with, and the version:

    c1 | version | msgpack

So a state may hold objects of several versions at once, and nothing stands still while it is brought up to date.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import msgpack

from stream.errors import CxstreamError

VERSION = 6
"""Of a state as a whole, in its marker: to be raised together with the version of any shape."""
_HEAD = b"\xc1"
T = TypeVar("T")
Migration = Callable[[Any], Any]
"""From the plain values (lists, dicts, strings …) of one version to those of the next."""


class NewerStateError(CxstreamError):
    """A state was written by a later version of the program than this one."""


def check(version: int, where: str) -> None:
    """Make sure that a state of this version can be read.

    Raises:
        NewerStateError: it is of a later version than this program knows.
    """
    if version > VERSION:
        raise NewerStateError(
            f"the state of {where} is of version {version}, this worker reads up to {VERSION}: "
            "run the later release again, or start this one with another `id` to count anew"
        )


class Shape(Generic[T]):
    """How one kind of object is stored. ``migrations`` lead from each earlier version to the next; the first is 1.

    >>> shape = Shape(msgpack.Decoder(list[int]).decode, lambda old: [old])
    >>> shape.decode(msgpack.encode(7)), shape.decode(shape.encode(msgpack.encode([7, 8])))
    ([7], [7, 8])
    """

    def __init__(self, decode: Callable[[bytes], T], *migrations: Migration) -> None:
        self._decode = decode
        self._migrations = migrations
        self._head = _HEAD + bytes([1 + len(migrations)])

    def encode(self, data: bytes) -> bytes:
        """The msgpack of an object of the last version, as it is stored."""
        return self._head + data

    def decode(self, data: bytes) -> T:
        """What is stored, of whatever version.

        Raises:
            NewerStateError: it is of a later version.
        """
        if data.startswith(self._head):
            return self._decode(data[2:])
        version, body = (data[1], data[2:]) if data.startswith(_HEAD) else (1, data)
        if version > self._head[1]:
            raise NewerStateError(f"a stored object is of version {version}, this worker reads up to {self._head[1]}")
        value = msgpack.decode(body)
        for migrate in self._migrations[version - 1 :]:
            value = migrate(value)
        return self._decode(msgpack.encode(value))
