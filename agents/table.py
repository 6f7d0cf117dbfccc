"""The state table: a Faust table whose changelog is written in one record batch for each micro-batch.

Kafka makes a record batch visible whole or not at all, so the changes and the source offset in it are atomic. Faust's
own recovery feeds the changelog back, in batches as the transport hands them out.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import faust
from faust.stores.base import Store as FaustStore
from faust.types import TP
from prometheus_client import Counter

from agents.changelog import Changelog
from agents.stores import PartitionStore
from stream.record import Record

_BUFFERED_BATCHES = 2
"""Not 1: Faust would then go on reading the changelogs of active partitions, and put old state over new."""


class _StoreFacade(FaustStore):  # type: ignore[type-arg]
    """What Faust's recovery wants to know of a store."""

    def __init__(self, *args: Any, store: PartitionStore, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def persisted_offset(self, tp: TP) -> int | None:
        return self.store.offset(tp.partition)

    async def need_active_standby_for(self, tp: TP) -> bool:
        return self.store.offset(tp.partition) is None

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

    ``log`` is its changelog, and the store where it lives; ``restored`` counts the records read back.
    """

    def __init__(self, app: Any, *, log: Changelog, restored: Counter, **kwargs: Any) -> None:
        super().__init__(app, key_type=bytes, value_type=bytes, recovery_buffer_size=_BUFFERED_BATCHES, **kwargs)
        self.written = log
        self._restored = restored
        self.partition_store = log.store
        self.on_ready: Callable[[set[int]], Awaitable[None]] | None = None

    def _new_store(self) -> Any:
        return _StoreFacade("cxstream:", self.app, self, store=self.partition_store)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recovery: each event carries the records of one partition."""
        for event in batch:
            message = event.message
            if message.topic == self.written.topic:  # Faust may confuse tables when it rebalances amid a recovery
                records = cast(list[Record], message.value)
                self.written.restore(message.partition, records)
                self._restored.inc(len(records))

    async def on_changelog_event(self, event: Any) -> None:
        """Recovery: read no further than what the store can take."""
        if event.message.topic == self.written.topic:
            await self.written.keep(event.message.partition)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Partitions that others own now are let go of, so that these can open them."""
        for tp in revoked:
            if tp.topic == self.written.topic:
                self.written.release(tp.partition)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """The state of the active partitions is complete."""
        if self.on_ready is not None:
            await self.on_ready({tp.partition for tp in active_tps})
