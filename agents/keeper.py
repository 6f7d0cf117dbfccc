"""Between a changelog and its store: what is acknowledged, and on its way to the disk."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from agents.stalls import DISK, Stalls
from agents.stores import PartitionStore, StoreError

log = structlog.get_logger(__name__)
_PAUSE_S = 1.0


class Keeper:
    """Puts into ``store`` what its changelog ``topic`` has. What the store cannot take now is owed to it."""

    def __init__(self, topic: str, store: PartitionStore, stalls: Stalls) -> None:
        self._topic = topic
        self._store = store
        self._stalls = stalls
        self._owed: dict[int, tuple[dict[bytes, bytes | None], int]] = {}

    def owe(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        """The changelog has these changes, up to ``offset``; they come after those that are owed already."""
        earlier, _ = self._owed.get(partition, ({}, -1))
        self._owed[partition] = {**earlier, **changes}, offset

    def pay(self, partition: int) -> bool:
        """Put what is owed into the store, all or none; False where the store does not take it."""
        if partition in self._owed:
            changes, offset = self._owed[partition]
            try:
                self._store.write(partition, changes, offset)
            except StoreError as error:
                log.warning("store.refused", partition=partition, error=str(error), again_in_s=_PAUSE_S)
                self._stalls.begin(DISK, (self._topic, partition), str(error))
                return False
            self.forget(partition)
        return True

    async def keep(self, partition: int, wanted: Callable[[], bool] = lambda: True) -> None:
        """The same, again and again until the store takes it, or as long as it is ``wanted``."""
        while not self.pay(partition) and wanted():  # noqa: ASYNC110  # nobody tells when a disk has space again
            await asyncio.sleep(_PAUSE_S)

    def forget(self, partition: int) -> None:
        """Nothing is owed: it is in the store, or will be read from the changelog again."""
        self._owed.pop(partition, None)
        self._stalls.end(DISK, (self._topic, partition))
