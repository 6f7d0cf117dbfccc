"""The state table: a Faust table whose changelog is written in one record batch for each micro-batch.

Kafka makes a record batch visible whole or not at all, so the changes and the source offset in it are atomic. A
restorer reads it back.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.stores.base import Store as FaustStore
from faust.types import TP

from agents.changelog import Changelog
from agents.restorer import Restorer
from agents.stores import PartitionStore

_BUFFERED_BATCHES = 2
"""Not 1: Faust would then go on reading the changelogs of active partitions."""


class _StoreFacade(FaustStore):  # type: ignore[type-arg]
    """What Faust wants to know of a store."""

    def __init__(self, *args: Any, store: PartitionStore, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def persisted_offset(self, tp: TP) -> int | None:
        """Nothing for Faust to go on from: the restorer does."""
        return None

    async def need_active_standby_for(self, tp: TP) -> bool:
        return False

    def reset_state(self) -> None:
        """Nothing to do: state is only ever replaced by the changelog."""

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        raise NotImplementedError("the table restores its own store")

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        raise NotImplementedError("the changelog is the backup")

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        raise NotImplementedError("the changelog is the backup")

    async def on_stop(self) -> None:
        self.store.close()


class StateTable(faust.Table):  # type: ignore[type-arg]
    """State of one agent, by partition of its source topic.

    ``log`` is its changelog, and the store where it lives; ``restorer`` reads the one back into the other.
    """

    def __init__(self, app: Any, *, log: Changelog, restorer: Restorer, **kwargs: Any) -> None:
        super().__init__(app, key_type=bytes, value_type=bytes, recovery_buffer_size=_BUFFERED_BATCHES, **kwargs)
        self.written = log
        self.restorer = restorer
        self.partition_store = log.store
        self.on_owned: Callable[[set[int], set[int]], Awaitable[None]] | None = None

    def _new_store(self) -> Any:
        return _StoreFacade("cxstream:", self.app, self, store=self.partition_store)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Partitions that others own now are let go of, so that these can open them."""
        for tp in revoked:
            if tp.topic == self.written.topic:
                self.written.release(tp.partition)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """These partitions are this worker's now, or stand by here."""
        if self.on_owned is not None:
            await self.on_owned({tp.partition for tp in active_tps}, {tp.partition for tp in standby_tps})
