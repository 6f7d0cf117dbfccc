"""Customers, tickets and answers that nothing has been heard of for long: what is forgotten, and when.

Each is kept for a time after the last touchpoint about it came, by the partition's watermark at that touchpoint. What
has been kept for longer is taken for absent wherever it is looked up, so that nothing depends on when it is cleared
away. For that there are lists in the state, of what was touched in a stretch of 30 days, written when it first was.

      touched │                 kept for 800 days                  │ clear away whoever is on the list
    ──────────┴─ stretch ─┴─ stretch ─┴─ ⋯ ─┴─ stretch ─┴─ stretch ─┴──────────────────────────────────► watermark

Whoever was touched again in a later stretch is on a list of that one too, and stays.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from struct import pack
from typing import Protocol

from msgspec import msgpack

from stream.cases import KINDS
from stream.config import Config
from stream.customer import Customer
from stream.slices import DAY_MS
from stream.state import Changes, Load, State

CUSTOMER = b"c"
"""First byte of customers' keys; those of cases are said by their kinds."""
LIST = b"x"
STRETCH_MS = 30 * DAY_MS
_KEYS_IN_A_LIST = 1_000
_LISTS_AT_ONCE = 10
"""Lists of one kind that a batch clears away: enough to keep up, few enough for one batch to hold."""

Scan = Callable[[bytes, bytes, int], Sequence[bytes]]
"""The keys of the store from one up to another, in order, so many at most."""
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[bytes]).decode


def scanned(keys: Iterable[bytes], start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
    """A ``Scan`` of keys that are in no order."""
    return nsmallest(limit, (key for key in keys if start <= key < end))


class Kept(Protocol):
    """What is kept for a time. ``touched_ms`` is the watermark when the last touchpoint about it came."""

    touched_ms: int

    def encode(self) -> bytes: ...


_DECODERS: Mapping[bytes, Callable[[bytes], Kept]] = {
    CUSTOMER: Customer.decode,
    **{kind.prefix: kind.decode for kind in KINDS},
}


class Keeping:
    """The lists of one partition. ``stretch_ms`` is when the stretch began in which the watermark is."""

    def __init__(self, config: Config, state: State, load: Load, scan: Scan) -> None:
        self._kept_ms = {CUSTOMER: config.kept("customer")} | {kind.prefix: config.kept(kind.title) for kind in KINDS}
        self._state = state
        self._load = load
        self._scan = scan
        self._listed: defaultdict[tuple[bytes, int], list[bytes]] = defaultdict(list)
        self._cleared_ms = dict.fromkeys(self._kept_ms, 0)
        self.stretch_ms = 0

    def reach(self, watermark_ms: int) -> None:
        """The watermark has come, or gone back, to another stretch."""
        self.stretch_ms = watermark_ms - watermark_ms % STRETCH_MS

    def touch(self, key: bytes, kept: Kept, watermark_ms: int) -> None:
        """A touchpoint about this came: it is on the list of the stretch in which the watermark is from now on."""
        if kept.touched_ms < self.stretch_ms:
            self._listed[key[:1], self.stretch_ms + STRETCH_MS].append(key)
        kept.touched_ms = watermark_ms

    def clear(self, watermark_ms: int, offset: int, waiting: Collection[bytes] = ()) -> tuple[Changes, int]:
        """Delete from the state what was on the lists that are due, as far as one batch may.

        Kinds in ``waiting`` have timers that are still to run out, and are left as they are.
        Returns the lists to be written, those of the batch that ends at ``offset`` and those done with; and the number
        of objects deleted.
        """
        changes: Changes = {}
        gone = 0
        for kind, kept_ms in self._kept_ms.items():
            due_ms = watermark_ms - kept_ms
            due_ms -= due_ms % STRETCH_MS
            if due_ms > self._cleared_ms[kind] and kind not in waiting:
                for key in self._due(kind, due_ms):
                    gone += self._forget(_decode(self._load(key) or b"\x90"), _until_ms(key))
                    changes[key] = None
        for (kind, until_ms), keys in self._listed.items():
            if until_ms <= watermark_ms - self._kept_ms[kind] and kind not in waiting:
                gone += self._forget(keys, until_ms)
            else:
                changes |= dict(_lists(kind, until_ms, offset, keys))
        self._listed.clear()
        return changes, gone

    def _due(self, kind: bytes, due_ms: int) -> Sequence[bytes]:
        """Lists of stretches that ended by ``due_ms``."""
        found = self._scan(LIST + kind, LIST + kind + pack(">Q", due_ms + 1), _LISTS_AT_ONCE)
        if len(found) < _LISTS_AT_ONCE:
            self._cleared_ms[kind] = due_ms
        return found

    def _forget(self, keys: list[bytes], until_ms: int) -> int:
        """Delete those that were not touched from ``until_ms`` on; how many."""
        gone = 0
        for key in keys:
            kept = self._state.get(key, _DECODERS[key[:1]])
            if kept is not None and kept.touched_ms < until_ms:
                self._state.delete(key)
                gone += 1
        return gone

    def rollback(self) -> None:
        """The last batch is not to be: what it cleared away is there again."""
        self._listed.clear()
        self._cleared_ms = dict.fromkeys(self._kept_ms, 0)


def _lists(kind: bytes, until_ms: int, offset: int, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Keys touched before ``until_ms`` in the batch that ends at ``offset``, in lists of some size."""
    for number, at in enumerate(range(0, len(keys), _KEYS_IN_A_LIST)):
        yield LIST + kind + pack(">QQI", until_ms, offset, number), _encode(keys[at : at + _KEYS_IN_A_LIST])


def _until_ms(key: bytes) -> int:
    """When the stretch of a list ended."""
    return int.from_bytes(key[2:10], "big")
