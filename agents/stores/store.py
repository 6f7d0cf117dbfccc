"""What a store does: bytes by key for each partition, and up to which changelog offset they are written."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from stream.errors import CxstreamError
from stream.record import Record


class StoreError(CxstreamError):
    """The store cannot take a write now, as where the disk is full. It holds what it held before."""


class PartitionStore(ABC):
    """Bytes by key, in partitions. The changelog offset is written together with what it includes."""

    @abstractmethod
    def get(self, partition: int, key: bytes) -> bytes | None:
        """What is under a key; None where there is nothing."""

    @abstractmethod
    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        """Make changes (None deletes) that stand in the changelog up to ``offset``, all or none.

        Raises:
            StoreError: they cannot be written now. The same write may be tried again.
        """

    @abstractmethod
    def keys(self, partition: int, prefixes: Sequence[bytes]) -> Iterable[bytes]:
        """The keys that begin with one of the prefixes."""

    @abstractmethod
    def scan(self, partition: int, start: bytes, end: bytes, limit: int) -> Sequence[bytes]:
        """The keys from ``start`` up to ``end``, in order, ``limit`` at most; both begin with the same byte."""

    @abstractmethod
    def offset(self, partition: int) -> int | None:
        """The changelog offset that is included; None where nothing is known."""

    @abstractmethod
    def release(self, partition: int) -> None:
        """The partition belongs to another worker now."""

    @abstractmethod
    def drop(self, partition: int, why: str) -> None:
        """Begin a partition anew: what is there is of no use."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    def restore(self, partition: int, records: Sequence[Record]) -> None:
        """Apply records of the changelog, in order."""
        if records:
            changes = {record.key: record.value for record in records if record.key is not None}
            self.write(partition, changes, records[-1].offset)
