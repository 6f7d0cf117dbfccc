"""State in RocksDB: one database for each partition, on the worker's disk."""

import fcntl
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, cast

import structlog
from rocksdict import AccessType, BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from agents.stores.store import PartitionStore
from stream.errors import CxstreamError

_OFFSET = b"\x00changelog-offset"
_CACHE_BYTES = 64 * 1024 * 1024
_MEMTABLE_BYTES = 32 * 1024 * 1024
log = structlog.get_logger(__name__)


class RocksStore(PartitionStore):
    """Databases under ``folder``. One that cannot be opened is moved away and made anew from the changelog.

    What RocksDB has not synced when the machine fails is read again from the changelog, whose offset is written in the
    same batch as the data.

    Raises:
        CxstreamError: another worker uses the folder, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = _locked(folder)
        self._databases: dict[int, Rdict] = {}
        self._cache = Cache(_CACHE_BYTES)

    def get(self, partition: int, key: bytes) -> bytes | None:
        found: bytes | None = self._database(partition).get(key)
        return found

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_OFFSET, str(offset).encode())
        self._database(partition).write(batch)

    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        return [key for prefix in prefixes for key in self._keys(partition, prefix)]

    def _keys(self, partition: int, prefix: bytes) -> Iterator[bytes]:
        for key in cast(Iterator[bytes], self._database(partition).keys(from_key=prefix)):
            if not key.startswith(prefix):
                return
            yield key

    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        keys = cast(Iterator[bytes], self._database(partition).keys(from_key=start))
        return list(islice(takewhile(lambda key: key < end, keys), limit))

    def offset(self, partition: int) -> int | None:
        if partition not in self._databases and not self._path(partition).exists():
            return None
        found = self.get(partition, _OFFSET)
        return None if found is None else int(found)

    def release(self, partition: int) -> None:
        database = self._databases.pop(partition, None)
        if database is not None:
            database.close()

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
            if "lock" in str(error).lower() or not path.exists():
                raise
            aside = path.with_name(f"{path.name}.damaged")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            log.error("state damaged, starting from the changelog", path=str(path), aside=str(aside), error=str(error))
            return Rdict(str(path), self._options(), access_type=AccessType.read_write())

    def _options(self) -> Options:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        options.set_max_open_files(256)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(blocks)
        return options


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
