"""Where the state of a worker's partitions lives."""

from agents.stores.memory import MemoryStore
from agents.stores.rocks import RocksStore
from agents.stores.store import PartitionStore, StoreError

__all__ = ["MemoryStore", "PartitionStore", "RocksStore", "StoreError"]
