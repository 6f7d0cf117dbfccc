"""What a run came to: everything on its topics, in a form that can be compared with another run's.

Not compared are what batches and clocks decide: the source offset and generation in a cell, markers and lists, when and
on which value an alert changed its state.

Cells and metrics are read as their readers are told to: of two values for a key, the one with the later source offset
or event time stands. The older one after it, which a zombie sent, is counted in ``stale``. ``unmended`` are cells of
which an older value stands last, which is what compaction would keep. ``cells`` has what each slice comes to.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.changelog import HEAD
from agents.settings import Settings
from schemas.alert import AnyAlert, decode_alert
from schemas.cell import WATERMARK_HEAD, Cell, CellKey, decode_cell, decode_cell_key, decode_watermark
from schemas.metric import Metric
from schemas.rejected import Rejected
from stream.board import Clock
from stream.counters import Counters
from stream.frictions import KIND as FRICTION
from stream.keeping import LIST
from stream.marker import MARKER, decode_marker
from stream.rules.alertstate import AlertState, decode_alert_state
from stream.slices import Calendar
from stream.timers import PREFIX as TIMER
from tests.e2e.consume import consume
from tests.stream.whole import whole

Latest = dict[tuple[int, bytes], bytes]
"""By partition and key, the last value: what is left of a topic when it is compacted."""
_BY_CLOCK = (MARKER, HEAD, LIST, FRICTION, TIMER + FRICTION)
"""Of the state of customers: when friction is looked at, and for how long it lasts, goes on where nothing comes."""
_decode_clock = msgspec.msgpack.Decoder(Clock).decode


@dataclass
class Outcome:
    """Of one run. ``boards`` are the cells in the state of the agent `windows`, ``as_of_ms`` how far each had come."""

    touchpoints: dict[int, list[tuple[bytes, bytes]]]
    cells: dict[CellKey, Counters]
    customers: Latest
    boards: dict[CellKey, Counters] = field(default_factory=dict)
    watermarks: dict[tuple[int, bytes], int] = field(default_factory=dict)
    as_of_ms: int = 0
    alerts: list[AnyAlert] = field(default_factory=list)
    standing: dict[str, AlertState] = field(default_factory=dict)
    metrics: dict[bytes, Metric] = field(default_factory=dict)
    rejected: set[tuple[int, int, str]] = field(default_factory=set)
    stale: Counter[str] = field(default_factory=Counter)
    unmended: list[CellKey] = field(default_factory=list)
    jumps: list[str] = field(default_factory=list)


def read(settings: Settings) -> Outcome:
    """Everything that a deployment has written."""

    def topic(name: str) -> Iterator[Any]:
        return consume(settings.bootstrap, settings.topic(name))

    touchpoints: dict[int, list[tuple[bytes, bytes]]] = {}
    for record in topic("touchpoints"):
        touchpoints.setdefault(record.partition, []).append((record.key, record.value))
    changelog = list(consume(settings.bootstrap, settings.changelog("customers")))
    customers = {place: value for place, value in latest(changelog).items() if not place[1].startswith(_BY_CLOCK)}
    found = Outcome(touchpoints, {}, customers)
    _read_cells(found, topic("cells"), settings.config.calendar)
    found.jumps = list(_jumps(changelog))
    _read_windows(found, latest(consume(settings.bootstrap, settings.changelog("windows"))))
    found.alerts = [decode_alert(record.value) for record in topic("alerts")]
    for record in topic("metrics"):
        metric = msgspec.json.decode(record.value, type=Metric)
        known = found.metrics.get(record.key)
        if known is not None and metric.as_of_ms < known.as_of_ms:
            found.stale["metrics"] += 1
        else:
            found.metrics[record.key] = metric
    for record in topic("rejected"):
        rejected = msgspec.json.decode(record.value, type=Rejected)
        found.rejected.add((rejected.partition, rejected.offset, rejected.reason.value))
    return found


def latest(records: Iterable[Any]) -> Latest:
    """The last value of each key; none where it is a tombstone."""
    found: Latest = {}
    for record in records:
        if record.value is None:
            found.pop((record.partition, record.key), None)
        else:
            found[record.partition, record.key] = record.value
    return found


def _jumps(changelog: Iterable[Any]) -> Iterator[str]:
    """Where a state does not go on from where the one before it ended: what was lost, or counted twice, and by whom."""
    ends: dict[int, int] = {}
    for record in changelog:
        if record.key == MARKER and record.value is not None:  # a tombstone mends the first batch of all
            marker = decode_marker(record.value)
            end = ends.get(record.partition, -1)
            if marker.first_offset != end + 1:
                yield f"{record.partition}: after {end} comes {marker} at {record.offset}"
            ends[record.partition] = marker.offset


def _read_cells(found: Outcome, records: Iterable[Any], calendar: Calendar) -> None:
    cells: dict[bytes, Cell] = {}
    last: dict[bytes, Cell] = {}
    for record in records:
        if record.value is None:
            cells.pop(record.key, None)
            last.pop(record.key, None)
        elif not record.key.startswith(WATERMARK_HEAD):
            cell, known = decode_cell(record.value), cells.get(record.key)
            last[record.key] = cell
            if known is not None and cell.is_behind(known):
                found.stale["cells"] += 1
            else:
                cells[record.key] = cell
    found.unmended = [decode_cell_key(key) for key, cell in cells.items() if last[key].counters != cell.counters]
    found.cells = whole({decode_cell_key(key): cell for key, cell in cells.items()}, calendar)


def _read_windows(found: Outcome, state: Latest) -> None:
    for (partition, key), value in state.items():
        match key[:1]:
            case b"c":
                found.boards[decode_cell_key(key[1:])] = decode_cell(value).counters
            case b"w":
                found.watermarks[partition, key] = decode_watermark(value).time_ms
            case b"a":
                found.standing[key[1:].decode()] = decode_alert_state(value)
            case b"t":
                found.as_of_ms = max(found.as_of_ms, _decode_clock(value).as_of_ms)
