"""What a load takes: partitions, workers, memory, disk and network. Arithmetic over constants that were measured.

``python -m tests.bench.growth`` and ``python -m tests.bench.footprint`` measure them (docs/performance.md). They are
those of the slower moments of two cores that the brokers share, the core not compiled.
"""

from dataclasses import dataclass
from math import ceil, exp

from stream.config import DEFAULT_SEGMENTATIONS, RETENTION_MS
from stream.slices import SECOND_MS
from stream.state import HOT_BYTES

MIB = 1024 * 1024
_TOUCHPOINT_US, _BYTE_US, _CELL_US = 17.0, 0.004, 25.0
"""CPU time of a touchpoint, of each byte of it, and of a cell on its way from the fold to its board."""
_BATCH = 5_000
"""Touchpoints in a batch of a worker that has much to do."""
_PARTITIONS_EACH = 4
"""For each worker at first: so the load evens out, and workers can be added."""
_PROCESS_BYTES = 200 * MIB
_CUSTOMER_BYTES = 2_500
"""State of a customer who comes often: 128 event ids, days by segment, a few tickets, orders and the like."""
_DECODED_BYTES, _DECODED_FACTOR = 600, 3
"""An object in memory takes so much beside its encoding, and for each byte of it."""
_CELL_BYTES, _CELL_KEY_BYTES = 400, 300
"""A cell as it is stored, and in the index of a board."""
_STORED_EXTRA_BYTES = 200
"""Of each value in a store in memory."""
_ROCKS_BYTES, _ROCKS_EACH_BYTES, _ROCKS_FACTOR = 64 * MIB, 32 * MIB, 2.0
"""Memory of RocksDB, for all partitions and for each; and its files by what is in them, before it compacts them."""
_PEAK_SECONDS = 36_000
"""A day has as many touchpoints as so much time at the peak."""
_WRITTEN_BYTES = 1_200
"""To the changelogs and topics, for a touchpoint: its customer, mostly."""


@dataclass(frozen=True, slots=True)
class Load:
    """``events_per_second`` at the peak, each of ``event_bytes`` of JSON; ``customers`` of whom state is kept.

    ``segments`` are those told apart, over all segmentations; ``busy`` is the share of its time that a worker works at
    the peak; ``growth`` is how many times the peak may once be; ``days`` is for how long touchpoints are kept.
    """

    events_per_second: int
    customers: int
    event_bytes: int = 300
    segments: int = 100
    busy: float = 0.5
    growth: float = 2.0
    days: int = 30
    replication: int = 3
    standbys: int = 1
    store: str = "rocksdb"


@dataclass(frozen=True, slots=True)
class Size:
    """``memory_bytes`` and ``disk_bytes`` are for one worker, with its standby partitions; a core each does.

    ``most_events_per_second`` is what all workers can do. ``topics_bytes`` is the brokers' disk with replicas, most of
    it touchpoints; ``read_bytes`` and ``written_bytes`` are for one second at the peak, without replication.
    """

    workers: int
    partitions: int
    most_events_per_second: int
    memory_bytes: int
    disk_bytes: int
    topics_bytes: int
    read_bytes: int
    written_bytes: int


def size(load: Load) -> Size:
    """What a load takes.

    >>> found = size(Load(events_per_second=10_000, customers=100_000))
    >>> found.workers, found.partitions
    (1, 8)
    """
    us = cost_us(load)
    workers = ceil(load.events_per_second * us / 1e6 / load.busy)
    partitions = _PARTITIONS_EACH * ceil(workers * load.growth)
    cells = _cells(load, partitions)
    stored = load.customers * _CUSTOMER_BYTES + 2 * cells * _CELL_BYTES
    copies = 1 + min(load.standbys, workers - 1)
    in_memory = load.store == "memory"
    at_rest = (stored + (load.customers + 2 * cells) * _STORED_EXTRA_BYTES) * copies / workers if in_memory else 0.0
    return Size(
        workers=workers,
        partitions=partitions,
        most_events_per_second=round(workers * 1e6 / us),
        memory_bytes=round(_worked_with(load, cells, partitions / workers, workers) + at_rest),
        disk_bytes=0 if in_memory else round(stored * _ROCKS_FACTOR * copies / workers),
        topics_bytes=round(load.replication * (_kept_bytes(load) + 2 * stored)),
        read_bytes=round(load.events_per_second * load.event_bytes),
        written_bytes=round(load.events_per_second * _WRITTEN_BYTES),
    )


def cost_us(load: Load) -> float:
    """CPU time for a touchpoint, in microseconds: more of it where a batch touches many segments."""
    touched = len(RETENTION_MS) * load.segments * _share(_BATCH * len(DEFAULT_SEGMENTATIONS) / load.segments)
    return _TOUCHPOINT_US + _BYTE_US * load.event_bytes + _CELL_US * touched / _BATCH


def _cells(load: Load, partitions: int) -> float:
    """How many cells are kept: of each slice as many as there are segments with a touchpoint in it, by partition."""
    a_second = load.events_per_second * len(DEFAULT_SEGMENTATIONS) / load.segments / partitions
    slices = sum(
        kept_ms / resolution_ms * _share(a_second * resolution_ms / SECOND_MS)
        for resolution_ms, kept_ms in RETENTION_MS.items()
    )
    return load.segments * partitions * slices


def _share(each: float) -> float:
    """How many of many get something, where so much falls to each of them on average."""
    return 1 - exp(-each)


def _worked_with(load: Load, cells: float, partitions: float, workers: int) -> float:
    """The process, its store's caches, decoded state as far as there is room, and the boards' index and sums."""
    decoded = _DECODED_BYTES + _DECODED_FACTOR * _CUSTOMER_BYTES
    room = partitions * HOT_BYTES
    hot = min(room, load.customers / workers * decoded)
    boards = min(room, cells / workers * (_DECODED_BYTES + _DECODED_FACTOR * _CELL_BYTES))
    rocks = 0.0 if load.store == "memory" else _ROCKS_BYTES + partitions * _ROCKS_EACH_BYTES
    return _PROCESS_BYTES + rocks + hot + boards + cells / workers * _CELL_KEY_BYTES


def _kept_bytes(load: Load) -> float:
    """Touchpoints on their topic."""
    return load.events_per_second * _PEAK_SECONDS * load.days * load.event_bytes
