"""What both stores do alike, and what only the one on disk does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import pytest

from agents.changelog import Changelog
from agents.cluster import Cluster
from agents.outbox import Outbox, parts
from agents.stalls import Stalls
from agents.stores import MemoryStore, PartitionStore, RocksStore
from stream.config import Config
from stream.errors import CxstreamError, StateError
from stream.fold import RESTORED, Fold
from stream.slices import DAY_MS


@dataclass(frozen=True)
class Line:
    offset: int
    key: bytes | None
    value: bytes | None


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PartitionStore:
    makers: dict[str, Callable[[], PartitionStore]] = {"memory": MemoryStore, "rocksdb": lambda: RocksStore(tmp_path)}
    return makers[request.param]()


def test_changes_are_read_back_by_partition(store: PartitionStore) -> None:
    store.write(0, {b"ka": b"1", b"kb": b"2", b"m": b"3"}, 7)
    store.write(1, {b"ka": b"4"}, 2)
    assert (store.get(0, b"ka"), store.get(1, b"ka"), store.get(1, b"kb")) == (b"1", b"4", None)
    assert (store.offset(0), store.offset(1), store.offset(2)) == (7, 2, None)


def test_a_deletion_leaves_nothing(store: PartitionStore) -> None:
    store.write(0, {b"ka": b"1", b"kb": b"2"}, 1)
    store.write(0, {b"ka": None, b"kc": None}, 2)
    assert store.get(0, b"ka") is None
    assert list(store.keys(0, [b"k"])) == [b"kb"]


def test_keys_are_those_of_the_prefixes(store: PartitionStore) -> None:
    store.write(0, {b"ka": b"", b"gb": b"", b"m": b"", b"l": b""}, 1)
    assert sorted(store.keys(0, [b"k", b"g"])) == [b"gb", b"ka"]


def test_a_changelog_is_restored_in_order(store: PartitionStore) -> None:
    store.restore(0, [Line(3, b"ka", b"1"), Line(4, b"kb", b"2"), Line(5, b"ka", None), Line(6, None, b"?")])
    assert (store.get(0, b"ka"), store.get(0, b"kb"), store.offset(0)) == (None, b"2", 6)
    store.restore(0, [])
    assert store.offset(0) == 6


def test_state_on_disk_is_there_again(tmp_path: Path) -> None:
    first = RocksStore(tmp_path)
    first.write(0, {b"ka": b"1"}, 7)
    first.close()
    second = RocksStore(tmp_path)
    assert (second.get(0, b"ka"), second.offset(0), second.offset(1)) == (b"1", 7, None)


def test_a_released_partition_can_be_opened_again(tmp_path: Path) -> None:
    store = RocksStore(tmp_path)
    store.write(0, {b"ka": b"1"}, 7)
    store.release(0)
    assert store.get(0, b"ka") == b"1"


def test_damaged_state_is_put_aside_and_begun_anew(tmp_path: Path) -> None:
    first = RocksStore(tmp_path)
    first.write(0, {b"ka": b"1"}, 7)
    first.close()
    for file in (tmp_path / "0").glob("MANIFEST*"):
        file.write_bytes(b"rubbish")
    second = RocksStore(tmp_path)
    assert second.offset(0) is None
    assert (tmp_path / "0.damaged").exists()


def grown(folder: Path) -> None:
    """A database whose keys are in a file, sorted; the offset is in its first block."""
    first = RocksStore(folder)
    for number in range(2_000):
        first.write(0, {b"k%d" % number: bytes(range(256))}, number)
    first.close()


def garble(folder: Path, start: float, end: float) -> None:
    for file in (folder / "0").glob("*.sst"):
        data = bytearray(file.read_bytes())
        part = slice(int(start * len(data)), int(end * len(data)))
        data[part] = bytes(byte ^ 0x55 for byte in data[part])
        file.write_bytes(data)


def test_a_state_whose_offset_is_damaged_is_begun_anew_at_once(tmp_path: Path) -> None:
    grown(tmp_path)
    garble(tmp_path, 0, 0.5)
    store = RocksStore(tmp_path)
    assert store.offset(0) is None
    assert (tmp_path / "0.damaged").exists()
    store.write(0, {b"ka": b"1"}, 1)
    assert (store.get(0, b"ka"), store.offset(0)) == (b"1", 1)


def test_damage_that_shows_later_is_an_error_and_no_value_and_the_next_start_begins_anew(tmp_path: Path) -> None:
    grown(tmp_path)
    garble(tmp_path, 0.3, 0.7)
    store = RocksStore(tmp_path)
    assert store.offset(0) == 1_999
    with pytest.raises(StateError, match="read back from its changelog at the next start"):
        [store.get(0, b"k%d" % number) for number in range(2_000)]
    store.close()
    again = RocksStore(tmp_path)
    assert again.offset(0) is None
    again.close()


def test_a_state_that_goes_beyond_its_changelog_is_dropped(store: PartitionStore) -> None:
    store.write(0, {b"ka": b"1"}, 7)
    store.write(1, {b"ka": b"1"}, 7)
    stalls = Stalls()
    log = Changelog("changelog", store, Outbox(Cluster("nowhere"), stalls), fetch, stalls)
    assert (log.rewind(0, 8), log.rewind(1, 7)) == (8, 0)
    assert (store.get(0, b"ka"), store.get(1, b"ka"), store.offset(1)) == (b"1", None, None)


async def fetch(topic: str, partition: int, start: int, end: int) -> list[Line]:
    raise AssertionError("nothing is to be fetched")


@pytest.mark.parametrize("days", [802, 833])
def test_what_was_restored_is_forgotten_in_time(store: PartitionStore, days: int) -> None:
    def event(customer: str, time_ms: int) -> bytes:
        return orjson.dumps(
            {"type": "visit.page", "id": "v", "time": time_ms, "customer": customer, "channel": "web", "page": "/"}
        )

    before = Fold(Config(), "touchpoints", 0, lambda _: None)
    now_ms = 2_000_000_000_000
    first = before.process([Line(0, b"", event("ann", now_ms - 900 * DAY_MS))], now_ms).changes
    store.restore(0, [Line(offset, *change) for offset, change in enumerate(first.items())])
    after = Fold(
        Config(),
        "touchpoints",
        0,
        partial(store.get, 0),
        store.keys(0, RESTORED),
        partial(store.scan, 0),
    )
    changes = after.process([Line(1, b"", event("bob", now_ms - (900 - days) * DAY_MS))], now_ms).changes
    assert (changes[b"cann"] is None) == (days == 833)  # else she has lapsed
    assert any(key.startswith(b"k") and value is None for key, value in changes.items())


def test_two_workers_cannot_share_a_folder(tmp_path: Path) -> None:
    first = RocksStore(tmp_path)
    with pytest.raises(CxstreamError, match="another worker"):
        RocksStore(tmp_path)
    first.close()
    RocksStore(tmp_path).close()


def test_records_are_sent_in_runs_that_fit() -> None:
    records = [(b"k", b"v" * 100)] * 10
    runs = list(parts(records, limit=3 * 229))
    assert [len(run) for run in runs] == [3, 3, 3, 1]
    assert list(parts([(b"k", b"v" * 9_999), (b"k", None)], limit=10)) == [[(b"k", b"v" * 9_999)], [(b"k", None)]]


def test_a_scan_finds_the_first_keys_of_a_stretch_in_order(store: PartitionStore) -> None:
    store.write(0, {b"xc2": b"", b"xc1": b"", b"xc3": b"", b"xs0": b"", b"m": b""}, 1)
    assert list(store.scan(0, b"xc", b"xd", 9)) == [b"xc1", b"xc2", b"xc3"]
    assert list(store.scan(0, b"xc", b"xc3", 9)) == [b"xc1", b"xc2"]
    assert list(store.scan(0, b"xc2", b"y", 2)) == [b"xc2", b"xc3"]
    assert list(store.scan(0, b"z", b"zz", 2)) == []
