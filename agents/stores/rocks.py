"""State in RocksDB: one database for each partition, on the worker's disk."""

import fcntl
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, cast

import structlog
from rocksdict import AccessType, BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from agents.stores.store import PartitionStore, StoreError
from stream.errors import CxstreamError, StateError

_OFFSET = b"\x00changelog-offset"
_CACHE_BYTES = 64 * 1024 * 1024
_MEMTABLE_BYTES = 8 * 1024 * 1024
_PROBE_BYTES = 2 * _MEMTABLE_BYTES
"""What opening a database may write out of its log."""
_LOCKED = re.compile(r"lock file|lock hold")
_DAMAGED = re.compile(r"Corruption|No such file")
_REFUSED = re.compile(r"no space left|file too large|quota|read-only file system|input/output error", re.IGNORECASE)
"""What errors say when the disk, and not the data, is the trouble."""
log = structlog.get_logger(__name__)


class RocksStore(PartitionStore):
    """Databases under ``folder``. One that is damaged is moved away and made anew from the changelog: at once where it
    cannot be opened, else when the worker starts again.

    What RocksDB has not synced when the machine fails is read again from the changelog, whose offset is written in the
    same batch as the data.

    Raises:
        CxstreamError: another worker uses the folder, or it cannot be written.
        StateError: by any method, what is there cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = _locked(folder)
        self._databases: dict[int, Rdict] = {}
        self._refused: set[int] = set()
        self._cache = Cache(_CACHE_BYTES)

    def get(self, partition: int, key: bytes) -> bytes | None:
        try:
            found: bytes | None = self._database(partition).get(key)
        except Exception as error:
            raise self._failed(partition, error) from error
        return found

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_OFFSET, str(offset).encode())
        try:
            self._reopen(partition)
            self._database(partition).write(batch)
        except StateError:
            raise
        except Exception as error:
            if _DAMAGED.search(str(error)) and not _REFUSED.search(str(error)):
                raise self._failed(partition, error) from error
            self._refused.add(partition)
            raise StoreError(f"{self._path(partition)} takes no writes: {error}") from error
        self._refused.discard(partition)

    def _reopen(self, partition: int) -> None:
        """RocksDB refuses all writes after one has failed, in some cases for good: open it anew once there is space."""
        if partition in self._refused and partition in self._databases:
            self._probe()
            self.release(partition)

    def _probe(self) -> None:
        """Raises OSError where the disk takes nothing, so that a database which can still be read stays open."""
        probe = self._folder / "probe"
        try:
            probe.write_bytes(bytes(_PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)

    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        return [key for prefix in prefixes for key in takewhile(_begins(prefix), self._keys(partition, prefix))]

    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        return list(islice(takewhile(lambda key: key < end, self._keys(partition, start)), limit))

    def _keys(self, partition: int, start: bytes) -> Iterator[bytes]:
        """All keys from ``start`` on."""
        try:
            yield from cast(Iterator[bytes], self._database(partition).keys(from_key=start))
        except Exception as error:
            raise self._failed(partition, error) from error

    def offset(self, partition: int) -> int | None:
        if partition not in self._databases and not self._path(partition).exists():
            return None
        try:
            found = self.get(partition, _OFFSET)
        except StateError:
            if self._path(partition).exists():
                raise
            return None  # it was damaged, and is gone: whoever asks is about to read it back
        return None if found is None else int(found)

    def release(self, partition: int) -> None:
        database = self._databases.pop(partition, None)
        if database is not None:
            try:
                database.close()
            except Exception as error:  # a full disk; what it could not write out is in its log, or the changelog
                log.warning("store.close_failed", path=str(self._path(partition)), error=str(error))

    def close(self) -> None:
        for partition in list(self._databases):
            self.release(partition)
        self._lock.close()

    def _path(self, partition: int) -> Path:
        return self._folder / str(partition)

    def _database(self, partition: int) -> Rdict:
        database = self._databases.get(partition)
        if database is None:
            database = self._databases[partition] = self._open(self._path(partition))
        return database

    def _open(self, path: Path) -> Rdict:
        try:
            return Rdict(str(path), self._options(), access_type=AccessType.read_write())
        except Exception as error:
            if _LOCKED.search(str(error)) or not path.exists():
                raise
            if _REFUSED.search(str(error)):
                raise StoreError(f"it cannot be opened, {error}") from error
            _put_aside(path, str(error))
            return Rdict(str(path), self._options(), access_type=AccessType.read_write())

    def drop(self, partition: int, why: str) -> None:
        self.release(partition)
        if self._path(partition).exists():
            _put_aside(self._path(partition), why)

    def _failed(self, partition: int, error: Exception) -> StateError:
        """What to raise. Where files are damaged the partition begins anew, once the worker has."""
        path = self._path(partition)
        if _DAMAGED.search(str(error)):
            self.drop(partition, str(error))
            return StateError(f"the state in {path} is damaged, and is read back from its changelog at the next start")
        return StateError(f"the state in {path} cannot be used: {error}")

    def _options(self) -> Options:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_paranoid_checks(True)
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        options.set_max_open_files(256)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(blocks)
        return options


def _begins(prefix: bytes) -> Callable[[bytes], bool]:
    return lambda key: key.startswith(prefix)


def _put_aside(path: Path, why: str) -> None:
    """Move a database away, in the place of the one that was moved away before."""
    aside = path.with_name(f"{path.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)
    log.error("state.damaged", path=str(path), moved_to=str(aside), why=why, then="read back from the changelog")


def _locked(folder: Path) -> IO[str]:
    """The folder, made where it is missing, is this process's alone while the file is open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise CxstreamError(
            f"{folder} is in use by another worker: give each its own with `data_dir` or CXSTREAM_DATA_DIR"
        ) from None
    except OSError as error:
        raise CxstreamError(f"{folder} cannot be used for state: {error.strerror}") from None
    return lock
