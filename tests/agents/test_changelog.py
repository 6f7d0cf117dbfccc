"""Two workers that both believe a partition is theirs: one chain of batches counts, whatever the order of writes."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.changelog import HEAD, Changelog, FencedError
from agents.cluster import Cluster
from agents.outbox import Outbox, Pair
from agents.stalls import Stalls
from agents.stores import MemoryStore, StoreError


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before claiming again."""
    monkeypatch.setattr("agents.changelog._PAUSE_S", 0)
    monkeypatch.setattr("agents.keeper._PAUSE_S", 0.01)


class Line(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None


class Log(Outbox):
    """A partition, and a producer that can send a batch twice."""

    def __init__(self) -> None:
        super().__init__(Cluster("nowhere"), Stalls())
        self.lines: list[Line] = []
        self.repeats = 0

    async def append(self, topic: str, partition: int, records) -> int:
        pairs: list[Pair] = list(records)
        for _ in range(1 + self.repeats):
            self.lines += [Line(len(self.lines) + at, *pair) for at, pair in enumerate(pairs)]
        self.repeats = 0
        return len(self.lines) - 1

    async def fetch(self, topic: str, partition: int, start: int, end: int) -> Sequence[Line]:
        return self.lines[start:end]


class Writer:
    """One worker: its own store, and the log that it shares with others."""

    def __init__(self, log: Log) -> None:
        self.log, self.store = log, MemoryStore()
        self.changelog = Changelog("changelog", self.store, log, log.fetch, Stalls())

    def recover(self, up_to: int | None = None) -> None:
        self.changelog.restore(0, self.log.lines[:up_to])

    def claim(self) -> None:
        asyncio.run(self.changelog.claim(0))

    def write(self, **changes: str) -> None:
        values = {key.encode(): value.encode() for key, value in changes.items()}
        asyncio.run(self.changelog.append(0, values))
        asyncio.run(self.changelog.keep(0))

    def reads(self) -> dict[str, str]:
        return {key.decode(): (self.store.get(0, key) or b"").decode() for key in self.store.keys(0, [b""])}


def recovered(log: Log) -> dict[str, str]:
    """What the next owner finds."""
    fresh = Writer(log)
    fresh.recover()
    return fresh.reads()


def compacted(log: Log) -> dict[str, str]:
    """What compaction leaves."""
    last = {line.key: line.value for line in log.lines if line.key != HEAD}
    return {key.decode(): value.decode() for key, value in last.items() if key is not None and value is not None}


def owners() -> tuple[Log, Writer, Writer]:
    """A former owner that does not know of the new one."""
    log = Log()
    former, new = Writer(log), Writer(log)
    former.claim()
    former.write(a="1", b="1")
    new.recover()
    new.claim()
    return log, former, new


def test_a_zombies_batch_is_void_and_mended() -> None:
    log, former, new = owners()
    new.write(a="2", c="2")
    with pytest.raises(FencedError):
        former.write(a="old", b="old", d="old")
    assert former.reads() == {"a": "1", "b": "1"}
    assert recovered(log) == {"a": "2", "b": "1", "c": "2"}
    new.write(a="3")
    assert recovered(log) == compacted(log) == new.reads() == {"a": "3", "b": "1", "c": "2"}


def test_a_zombies_batch_right_after_the_claim_is_void() -> None:
    log, former, new = owners()
    with pytest.raises(FencedError):
        former.write(a="old")
    new.write(b="2")
    assert recovered(log) == compacted(log) == new.reads() == {"a": "1", "b": "2"}


def test_what_the_former_owner_wrote_before_the_claim_counts() -> None:
    log, former, late = owners()
    new = Writer(log)
    new.recover()
    late.write(a="2")
    new.claim()
    assert new.reads() == {"a": "2", "b": "1"}
    new.write(b="3")
    assert recovered(log) == new.reads() == {"a": "2", "b": "3"}
    with pytest.raises(FencedError):
        late.write(a="4")
    with pytest.raises(FencedError):
        former.write(a="5")
    assert recovered(log) == {"a": "2", "b": "3"}


def test_a_zombie_that_gets_its_partition_back_reads_what_it_missed() -> None:
    log, former, new = owners()
    new.write(a="2", c="2")
    with pytest.raises(FencedError):
        former.write(b="old")
    former.recover()
    former.claim()
    assert former.reads() == {"a": "2", "b": "1", "c": "2"}
    former.write(b="3")
    assert recovered(log) == compacted(log) == {"a": "2", "b": "3", "c": "2"}


def test_a_batch_sent_twice_is_ours_all_the_same() -> None:
    log = Log()
    owner = Writer(log)
    log.repeats = 1
    owner.claim()
    log.repeats = 2
    owner.write(a="1")
    owner.write(a="2", b="2")
    assert recovered(log) == compacted(log) == owner.reads() == {"a": "2", "b": "2"}


def test_a_recovery_in_slices_that_cut_batches_is_the_same() -> None:
    log, former, new = owners()
    new.write(a="2", c="2")
    with pytest.raises(FencedError):
        former.write(a="old", b="old", d="old")
    for size in range(1, 9):
        reader = Writer(log)
        for first in range(0, len(log.lines), size):
            reader.changelog.restore(0, log.lines[first : first + size])
        assert reader.reads() == {"a": "2", "b": "1", "c": "2"}


def test_a_changelog_from_before_there_were_heads_counts() -> None:
    log = Log()
    log.lines = [Line(0, b"a", b"1"), Line(1, b"b", b"1"), Line(2, b"a", b"2")]
    owner = Writer(log)
    owner.recover()
    owner.claim()
    owner.write(b="2")
    assert recovered(log) == owner.reads() == {"a": "2", "b": "2"}


workers = st.integers(0, 2)
deeds = st.one_of(
    st.tuples(st.just("recover"), workers),
    st.tuples(st.just("claim"), workers, st.integers(0, 1)),
    st.tuples(st.just("write"), workers, st.sampled_from("abc"), st.integers(0, 1)),
)


@settings(deadline=None, max_examples=100)
@given(done=st.lists(deeds, max_size=40))
def test_whoever_writes_when_what_was_not_refused_is_what_is_read(done: list[tuple]) -> None:
    log = Log()
    writers = [Writer(log) for _ in range(3)]
    claimed: set[int] = set()
    accepted: dict[str, str] = {}
    for number, (deed, who, *how) in enumerate(done):
        if deed == "recover":
            writers[who].recover()
            claimed.discard(who)
        elif deed == "claim":
            log.repeats = how[0]
            writers[who].claim()
            claimed.add(who)
            assert writers[who].reads() == accepted
        elif who in claimed:
            key, log.repeats = how
            try:
                writers[who].write(**{key: f"{number} by {who}"})
            except FencedError:
                claimed.discard(who)
            else:
                accepted[key] = f"{number} by {who}"
                assert writers[who].reads() == accepted == compacted(log)
        assert recovered(log) == accepted


class FullStore(MemoryStore):
    """Takes nothing while it is full."""

    full = False

    def write(self, partition: int, changes, offset: int) -> None:
        if self.full:
            raise StoreError("no space left")
        super().write(partition, changes, offset)


def test_what_a_full_store_did_not_take_is_there_after_a_rebalance() -> None:
    log, stalls, store = Log(), Stalls(), FullStore()
    changelog = Changelog("changelog", store, log, log.fetch, stalls)

    async def run() -> None:
        await changelog.claim(0)
        store.full = True
        await changelog.append(0, {b"a": b"1"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(changelog.keep(0), 0.05)
        assert stalls.trouble(0) == "stalled for 0 s: no space left"
        claim = asyncio.create_task(changelog.claim(0))
        await asyncio.sleep(0.05)
        assert not claim.done()
        store.full = False
        await claim
        assert (store.get(0, b"a"), stalls.trouble(0)) == (b"1", None)

    asyncio.run(run())


def test_a_recovery_onto_a_full_store_goes_on_where_it_was() -> None:
    log, _, new = owners()
    new.write(a="2", c="2")
    stalls, store = Stalls(), FullStore()
    store.full = True
    changelog = Changelog("changelog", store, log, log.fetch, stalls)
    for line in log.lines:
        changelog.restore(0, [line])
    assert (store.offset(0), stalls.since_ms("brokers")) == (None, None)
    assert stalls.since_ms("disk") is not None
    store.full = False
    asyncio.run(changelog.keep(0))
    assert [store.get(0, key) for key in (b"a", b"b", b"c")] == [b"2", b"1", b"2"]
    assert stalls.since_ms("disk") is None
