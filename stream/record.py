"""A Kafka record, as far as the core and the stores look at it."""

from dataclasses import dataclass
from typing import Protocol


class Record(Protocol):
    """Where it stands in its partition, and its bytes."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A record in memory, and where it stands in its partition."""

    offset: int
    key: bytes | None
    value: bytes | None
