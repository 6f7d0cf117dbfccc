"""A partition's cells: what a silence has made old goes in batches that fit."""

from stream.config import Config
from stream.counters import Counters
from stream.slices import HOUR_MS, TEN_SECONDS_MS
from stream.state import State
from stream.tally import CellId
from stream.totals import Cells

START_MS = 1_774_000_800_000


def test_cells_that_are_over_all_at_once_go_some_at_a_time() -> None:
    store: dict[bytes, bytes] = {}
    state = State(store.get)
    cells = Cells(state, Config())
    deltas: dict[CellId, Counters] = {
        ((("product", str(product)),), TEN_SECONDS_MS, START_MS + at * TEN_SECONDS_MS): {"touchpoints": 1}
        for at in range(100)
        for product in range(450)
    }
    cells.add(deltas, START_MS)
    gone = []
    for _ in range(4):
        gone.append(cells.expire(START_MS + 24 * HOUR_MS))
        assert len(state.changes()) <= 46_000
        cells.settle()
        state.settle()
    assert [len(each) for each in gone] == [20_250, 20_250, 4_500, 0]
    assert {cell for each in gone for cell in each} == deltas.keys()
