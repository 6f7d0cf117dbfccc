"""What cells come to: by the definition, for tests that look at cells themselves."""

from collections.abc import Mapping

from schemas.cell import Cell, CellKey, Counters
from stream.slices import RESOLUTIONS, Calendar


def whole(cells: Mapping[CellKey, Cell], calendar: Calendar) -> dict[CellKey, Counters]:
    """All counters of each slice: its own, and those of finer ones in it that are in no coarser one yet.

    A slice of which there is no cell is as open as one whose cell says so.
    """
    found: dict[CellKey, Counters] = {}
    for key, cell in cells.items():
        for resolution_ms in RESOLUTIONS[RESOLUTIONS.index(key.resolution_ms) :]:
            start_ms = calendar.slice_start_ms(resolution_ms, key.start_ms)
            holder = CellKey(key.segment, resolution_ms, start_ms, key.partition)
            if holder != key and holder in cells and not cells[holder].open:
                break  # it has this already
            total = found.setdefault(holder, {})
            for name, count in cell.counters.items():
                total[name] = total.get(name, 0) + count
    return {key: {name: count for name, count in total.items() if count} for key, total in found.items()}
