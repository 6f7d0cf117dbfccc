"""A state's changelog: written by one worker at a time, even where two believe that it is theirs.

Every batch begins with a head that says where its writer expected it to stand. A batch counts if nothing that counts
stands between there and where it does stand; else its writer had lost the partition (paused, cut off) and did not know
what it overwrote: the batch is void, and whoever reads the changelog passes over it.

    |-- batch, head 0 --|-- batch, head 5 --|-- claim, head 9 --|-- batch, head 5: void --|-- batch, head 10 --|
     offset 0            5                   9                   10                        14

A new owner claims a partition with an empty batch, so that all that its predecessor still writes is void.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog
from msgspec import Struct, msgpack

from agents.keeper import Keeper
from agents.outbox import Outbox, parts
from agents.stalls import Stalls
from agents.stores import PartitionStore
from stream.errors import CxstreamError
from stream.record import Record

HEAD = b"h"
Fetch = Callable[[str, int, int, int], Awaitable[Sequence[Record]]]
"""The records of a partition of a topic from one offset up to another."""
log = structlog.get_logger(__name__)
_PAUSE_S = 1.0


class FencedError(CxstreamError):
    """Another worker has written to the partition: it is no longer ours."""


class Head(Struct, array_like=True, frozen=True):
    """The first record of a batch. ``base`` is the offset it was written for, ``writer`` whoever claimed last."""

    base: int
    writer: bytes

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode = msgpack.Decoder(Head).decode


class Chain:
    """One partition of a changelog, read in order. ``end`` is after the last record that counts.

    ``void`` are the keys that void batches wrote last: compaction would keep their values, so that they must be
    written again. ``heads`` are those of the batches that counted.
    """

    def __init__(self, end: int) -> None:
        self.end = end
        self.void: set[bytes] = set()
        self.heads: list[bytes] = []
        self._counts = True

    def read(self, records: Iterable[Record]) -> list[Record]:
        """Those that count. What stood before ``end`` is left out, also when it is read again."""
        valid = []
        for record in records:
            key = record.key
            if record.offset < self.end or key is None:
                continue
            if key == HEAD:
                self._begin(record.value or b"")
            elif self._counts:
                valid.append(record)
                self.void.discard(key)
            else:
                self.void.add(key)
            if self._counts:
                self.end = record.offset + 1
        return valid

    def begin_again(self, end: int) -> None:
        """Read on from ``end``, before which the last record counted. Void keys are still to be mended."""
        self.end, self._counts = end, True

    def _begin(self, head: bytes) -> None:
        self._counts = _decode(head).base >= self.end
        if self._counts:
            self.heads.append(head)


class Changelog:
    """The changelog of one table, and the store that holds what it comes to."""

    def __init__(self, topic: str, store: PartitionStore, outbox: Outbox, fetch: Fetch, stalls: Stalls) -> None:
        self.topic = topic
        self.store = store
        self._outbox = outbox
        self._fetch = fetch
        self._keeper = Keeper(topic, store, stalls)
        self._chains: dict[int, Chain] = {}
        self._writers: dict[int, bytes] = {}

    def restore(self, partition: int, records: Sequence[Record]) -> None:
        """Recovery: put what counts into the store; ``keep`` waits where it cannot take that now."""
        chain = self._chain(partition)
        valid = chain.read(records)
        if valid:
            changes = {record.key: record.value for record in valid if record.key is not None}
            self._keeper.owe(partition, changes, valid[-1].offset)
            self._keeper.pay(partition)
        chain.heads.clear()

    async def keep(self, partition: int, wanted: Callable[[], bool] = lambda: True) -> None:
        """Wait until the store has all that was restored or appended, or until that is no longer ``wanted``."""
        await self._keeper.keep(partition, wanted)

    def rewind(self, partition: int, end: int | None) -> int:
        """Go back to where the store ends, and say where that is.

        A store that goes beyond the ``end`` of the changelog (None: unknown) holds what the brokers have lost, or is of
        another changelog: it is dropped, as whoever else recovers has the changelog alone.
        """
        self._keeper.forget(partition)
        included = self.store.offset(partition)
        if included is not None and end is not None and included >= end:
            log.error("state.ahead", topic=self.topic, partition=partition, state=included, end=end)
            self.store.drop(partition, f"it includes offset {included}, but {self.topic} ends at {end}")
            self._chains.pop(partition, None)
        chain = self._chain(partition)
        chain.begin_again(self._after_store(partition))
        return chain.end

    def _after_store(self, partition: int) -> int:
        included = self.store.offset(partition)
        return 0 if included is None else included + 1

    def _chain(self, partition: int) -> Chain:
        chain = self._chains.get(partition)
        if chain is None:
            chain = self._chains[partition] = Chain(self._after_store(partition))
        return chain

    def release(self, partition: int) -> None:
        """The partition belongs to another worker now."""
        self._chains.pop(partition, None)
        self._writers.pop(partition, None)
        self._keeper.forget(partition)
        self.store.release(partition)

    async def claim(self, partition: int, wanted: Callable[[], bool] = lambda: True) -> None:
        """Become the partition's writer; what was written up to then is in the store.

        Where somebody else writes at the same time, it may be that we are the one who has lost the partition, and are
        about to be told so: after a pause, ``wanted`` says whether to go on.
        """
        chain = self._chain(partition)
        self._writers[partition] = secrets.token_bytes(6)
        await self.keep(partition, wanted)
        while wanted() and not await self._claimed(partition, chain, wanted):
            log.warning("changelog.claim_was_late", topic=self.topic, partition=partition, at=chain.end)
            await asyncio.sleep(_PAUSE_S)

    async def _claimed(self, partition: int, chain: Chain, wanted: Callable[[], bool]) -> bool:
        """Whether a claim counts; if not, what was in its way is in the store now."""
        base, (first, _) = chain.end, await self._write(partition, ())
        self.restore(partition, await self._between(partition, base, first))
        await self.keep(partition, wanted)
        is_ours, chain.end = chain.end == base, first + 1
        try:
            if is_ours:
                await self._mend(partition, {})
        except FencedError:
            return False
        return is_ours

    def check(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Make sure that these fit into one batch, as far as is known; raises BatchTooLargeError."""
        self._outbox.check(self.topic, changes.items())

    async def append(self, partition: int, changes: Mapping[bytes, bytes | None]) -> int:
        """Write changes as one batch, visible whole or not at all; the offset of its last record.

        ``keep`` has to put them into the store before the next ones come.

        Raises:
            BatchTooLargeError: they do not fit into one batch.
            FencedError: another worker has taken the partition over; the batch is void.
        """
        offset = await self._append(partition, changes)
        self._keeper.owe(partition, changes, offset)
        await self._mend(partition, changes)
        return offset

    async def _append(self, partition: int, changes: Mapping[bytes, bytes | None]) -> int:
        chain = self._chains[partition]
        base, (first, head) = chain.end, await self._write(partition, changes.items())
        if first != base:
            foreign = Chain(base)
            foreign.read(await self._between(partition, base, first))
            # Our own batch may stand there: sent twice, because the answer to the first was lost.
            if foreign.heads and foreign.heads != [head]:
                raise FencedError(f"{self.topic}-{partition} at {first}: another worker has written since {base}")
            chain.void |= foreign.void
        chain.void -= changes.keys()
        chain.end = first + 1 + len(changes)
        return first + len(changes)

    async def _write(self, partition: int, pairs: Iterable[tuple[bytes, bytes | None]]) -> tuple[int, bytes]:
        """Where the batch stands, and its head."""
        batch = list(pairs)
        head = Head(self._chains[partition].end, self._writers[partition]).encode()
        last = await self._outbox.append(self.topic, partition, [(HEAD, head), *batch])
        return last - len(batch), head

    async def _between(self, partition: int, start: int, end: int) -> Sequence[Record]:
        return await self._fetch(self.topic, partition, start, end) if start < end else ()

    async def _mend(self, partition: int, latest: Mapping[bytes, bytes | None]) -> None:
        """Write again what void batches wrote over, so that compaction keeps the right values.

        These are in the store, but for the ``latest`` changes.
        """
        chain = self._chains[partition]
        while chain.void:
            log.warning("changelog.mended", topic=self.topic, partition=partition, keys=len(chain.void))
            right = {key: latest[key] if key in latest else self.store.get(partition, key) for key in chain.void}
            for part in parts(list(right.items())):
                await self._append(partition, dict(part))
