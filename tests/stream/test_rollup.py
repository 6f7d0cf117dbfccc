"""Open slices: what is sent of a slice that goes on, and of one that is over, is the same in the end for everybody."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cell import (
    WATERMARK_HEAD,
    Cell,
    CellKey,
    Counters,
    Segment,
    Watermark,
    WatermarkKey,
    decode_cell,
    decode_cell_key,
    encode,
)
from stream import rollup
from stream.board import Board
from stream.cellmail import mail
from stream.config import Config
from stream.driver import Line, Store
from stream.fold import Fold
from stream.ranges import Ledger
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, RESOLUTIONS, SECOND_MS, TEN_SECONDS_MS, Calendar
from tests.laws.stories import START, record
from tests.stream.whole import whole

CONFIG = Config(segmentations=((), ("channel",)))
CHANNELS = ("web", "app", *(f"shop_{letter}" for letter in "abcdefghijkl"))
NOW = START + 90 * DAY_MS
Pair = tuple[bytes, bytes | None]
Place = tuple[Segment, int, int]


def visit(number: int, time: int, channel: str = "web") -> tuple[bytes, bytes]:
    event = {"type": "visit.page", "id": f"v{number}", "time": time, "customer": f"c{number % 7}", "page": "/"}
    return record({**event, "channel": channel})


class Source:
    """A partition that is folded in batches, begun anew now and then; ``sent`` is what it told of cells."""

    def __init__(self, config: Config = CONFIG, number: int = 0) -> None:
        self.config, self.number = config, number
        self.store: Store = {}
        self.sent: list[Pair] = []
        self.told = 0
        self.begin()

    def begin(self) -> None:
        self.fold = Fold(self.config, "touchpoints", self.number, self.store.get, self.store)

    def tell(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        lines = [Line(self.told + at, *pair) for at, pair in enumerate(pairs)]
        self.told += len(lines)
        folded = self.fold.process(lines, NOW)
        self.sent += [pair for pairs in mail(folded, self.number, 1, 0).values() for pair in pairs]
        for key, value in folded.changes.items():
            self.store.pop(key, None) if value is None else self.store.__setitem__(key, value)
        self.fold.settle()

    def cells(self) -> dict[CellKey, Cell]:
        """The last of each cell, whether or not it is still kept."""
        found = {key: value for key, value in self.sent if value is not None and not key.startswith(WATERMARK_HEAD)}
        return {decode_cell_key(key): decode_cell(value) for key, value in found.items()}


def counted(times: Iterable[tuple[int, str]]) -> dict[Place, int]:
    """Touchpoints by slice and segment, where all are in time."""
    found: dict[Place, int] = {}
    for time, channel in times:
        for segment in ((), (("channel", channel),)):
            for resolution_ms in RESOLUTIONS:
                place = segment, resolution_ms, time - time % resolution_ms
                found[place] = found.get(place, 0) + 1
    return found


def summed(wholes: dict[CellKey, Counters]) -> dict[Place, int]:
    """Touchpoints by slice and segment, of all partitions."""
    found: dict[Place, int] = {}
    for key, counters in wholes.items():
        if "touchpoints" in counters:
            place = key.segment, key.resolution_ms, key.start_ms
            found[place] = found.get(place, 0) + counters["touchpoints"]
    return found


def reopened(sent: Iterable[Pair]) -> list[CellKey]:
    """Cells that were over, and are open again. Whoever reads cells relies on there being none."""
    over: set[bytes] = set()
    found = []
    for key, value in sent:
        if value is not None and not key.startswith(WATERMARK_HEAD):
            if decode_cell(value).open:
                found += [decode_cell_key(key)] if key in over else []
            else:
                over.add(key)
    return found


def read(ledger: Ledger, place: Place) -> int:
    segment, resolution_ms, start_ms = place
    return ledger._slices.get(segment, {}).get(resolution_ms, {}).get(start_ms, {}).get("touchpoints", 0)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[list[tuple[int, str]]], int]:
    """Batches of touchpoints over some days, none more than an hour late; and a seed."""
    random = Random(draw(st.integers(0, 2**32)))
    step_ms = draw(st.sampled_from((SECOND_MS, 20 * SECOND_MS, 10 * MINUTE_MS)))
    time, batches = START + 20 * HOUR_MS, []
    for _ in range(draw(st.integers(1, 12))):
        batch = []
        for _ in range(random.randint(1, 15)):
            time += random.randrange(2 * step_ms)
            late_ms = random.choice((0, 0, 0, random.randrange(HOUR_MS - MINUTE_MS)))
            batch.append((time - late_ms, random.choice(CHANNELS)))
        batches.append(batch)
    return batches, random.randrange(2**32)


@given(story=stories(), at_once=st.sampled_from((1, 3, 2_000)))
@settings(max_examples=60, deadline=None)
def test_cells_come_to_what_was_counted_however_they_were_batched_and_added_up(
    story: tuple[list[list[tuple[int, str]]], int], at_once: int
) -> None:
    batches, seed = story
    random, number, source = Random(seed), 0, Source()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "_AT_ONCE", at_once)
        source.begin()
        for batch in batches:
            source.tell(visit(number + at, time, channel) for at, (time, channel) in enumerate(batch))
            number += len(batch)
            if random.random() < 0.3:
                source.begin()
    happened = [each for batch in batches for each in batch]
    assert summed(whole(source.cells(), Calendar())) == counted(happened)
    assert reopened(source.sent) == []


def test_what_is_over_all_at_once_is_added_up_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "_AT_ONCE", 5)
    channels = [f"shop_{one}{other}" for one in "abcdef" for other in "abcdefghij"]
    source, happened = Source(), [(START + HOUR_MS + at, channel) for at, channel in enumerate(channels)]
    source.begin()
    source.tell(visit(number, *each) for number, each in enumerate(happened))
    added_up = []
    for day in range(1, 16):
        happened.append((START + day * DAY_MS, "web"))
        source.tell([visit(100 + day, *happened[-1])])
        source.begin()
        closed = [
            key for key, cell in source.cells().items() if key.resolution_ms in (MINUTE_MS, HOUR_MS) and not cell.open
        ]
        added_up.append(len(closed))
        assert summed(whole(source.cells(), Calendar())) == counted(happened)
    assert reopened(source.sent) == []
    assert added_up[0] < len(channels) < 2 * len(channels) < added_up[-1]


@given(story=stories())
@settings(max_examples=60, deadline=None)
def test_readers_come_to_the_same_in_whatever_order_the_last_cells_reach_them(
    story: tuple[list[list[tuple[int, str]]], int],
) -> None:
    batches, seed = story
    random, number = Random(seed), 0
    sources = [Source(number=0), Source(number=1)]
    for batch in batches:
        source = random.choice(sources)
        source.tell(visit(number + at, time, channel) for at, (time, channel) in enumerate(batch))
        number += len(batch)
    cells = [(key, value) for source in sources for key, value in source.sent if not key.startswith(WATERMARK_HEAD)]
    kept = replace(CONFIG, retention_ms=dict.fromkeys(RESOLUTIONS, 800 * DAY_MS))
    random.shuffle(cells)  # of two for a cell the later one counts; tombstones are left out: no slice is over
    cells = [pair for pair in cells if pair[1] is not None]
    ledger, store = Ledger(kept, ("channel",)), dict[bytes, bytes]()
    board = Board(kept, (), store.get)
    for at, (key, value) in enumerate(cells):
        ledger.merge(key, value)
        board.merge([Line(at, key, value)], NOW)
        if random.random() < 0.1:
            store |= {key: data for key, data in board.state.changes().items() if data is not None}
            board = Board(kept, (), store.get, store)
    for place, number in counted(each for batch in batches for each in batch).items():
        segment, resolution_ms, start_ms = place
        assert board.history.read(segment, start_ms, start_ms + resolution_ms).total["touchpoints"] == number
        if segment:
            assert read(ledger, place) == number


def pair(resolution_ms: int, start_ms: int, number: int, offset: int, is_open: bool = False) -> Pair:
    cell = Cell({"touchpoints": number} if number else {}, offset, 0, is_open)
    return encode(CellKey((), resolution_ms, start_ms, 0)), cell.encode()


def test_what_is_in_no_coarser_slice_yet_is_kept_however_long_its_partition_stands_still() -> None:
    store: Store = {}
    board, base = Board(CONFIG, (), store.get), START
    ahead = (encode(WatermarkKey(1)), Watermark(base + 3 * DAY_MS, 9).encode())

    def merge(offset: int, *pairs: Pair) -> int:
        board.merge([Line(offset + at, *each) for at, each in enumerate(pairs)], base + 3 * DAY_MS)
        board.evaluate(base + 3 * DAY_MS)
        for key, value in board.state.changes().items():
            store.pop(key, None) if value is None else store.__setitem__(key, value)
        board.state.settle()
        return board.history.read((), base, base + DAY_MS).total.get("touchpoints", 0)

    assert merge(0, pair(TEN_SECONDS_MS, base, 3, 5)) == 3
    assert merge(1, ahead) == 3  # ten seconds and minutes are over, but not in the partition that they are of
    assert board.history.read((), base, base + MINUTE_MS).total == {}
    assert merge(2, pair(TEN_SECONDS_MS, base, 4, 6)) == 4
    board = Board(CONFIG, (), store.get, store, base + 3 * DAY_MS)
    assert merge(3, pair(TEN_SECONDS_MS, base, 5, 7)) == 5
    assert merge(4, pair(TEN_SECONDS_MS, base + 10_000, 1, 8)) == 6
    assert merge(5, pair(MINUTE_MS, base, 7, 9)) == 7
    assert merge(6, pair(HOUR_MS, base, 8, 10)) == 8
    assert merge(7, pair(DAY_MS, base, 9, 11)) == 9
    assert {decode_cell_key(key[1:]).resolution_ms for key in store if key.startswith(b"c")} == {HOUR_MS, DAY_MS}


def test_a_slice_that_is_over_is_not_opened_again_by_a_worker_that_has_lost_its_partition() -> None:
    """It read on, to offset 8, while by the clock of the new owner the minute was over after offset 5."""
    store: Store = {}
    finer, over, zombie = (
        pair(TEN_SECONDS_MS, START, 3, 5),
        pair(MINUTE_MS, START, 3, 5),
        pair(MINUTE_MS, START, 0, 8, True),
    )
    late = pair(TEN_SECONDS_MS, START, 4, 9), pair(MINUTE_MS, START, 4, 9)
    for begins_anew in (False, True):
        board, ledger = Board(CONFIG, (), store.get), Ledger(CONFIG, ())
        for offset, (key, value) in enumerate((finer, over, zombie)):
            board.merge([Line(offset, key, value)], NOW)
            ledger.merge(key, value)
        if begins_anew:
            store |= {key: data for key, data in board.state.changes().items() if data is not None}
            board = Board(CONFIG, (), store.get, store)
        else:
            assert board.mends() == [over]
        for reader in (board.history, ledger):
            assert reader.read((), START, START + MINUTE_MS).total == {"touchpoints": 3}
        for offset, (key, value) in enumerate(late):
            board.merge([Line(3 + offset, key, value)], NOW)
            ledger.merge(key, value)
        for reader in (board.history, ledger):
            assert reader.read((), START, START + MINUTE_MS).total == {"touchpoints": 4}


def test_the_day_of_an_earlier_release_and_the_next_are_counted_as_it_did() -> None:
    source = Source()
    source.tell([visit(0, START + HOUR_MS)])
    cells = whole(source.cells(), Calendar())
    # As an earlier release left it: all that there is, in all resolutions.
    kept = {key: value for key, value in source.store.items() if not key.startswith((b"k", b"r"))}
    for key, counters in cells.items():
        kept[b"k" + encode((key.segment, key.resolution_ms, key.start_ms))] = encode(counters)
    older = Source()
    older.store, older.told, older.sent = (
        kept,
        1,
        [(encode(key), Cell(each, 0).encode()) for key, each in cells.items()],
    )
    older.begin()
    hours = [START + DAY_MS, START + DAY_MS + HOUR_MS, START + 2 * DAY_MS, START + 2 * DAY_MS + HOUR_MS]
    for number, time in enumerate(hours, 1):
        older.tell([visit(number, time)])
        older.begin()
        told = {key.start_ms for key in older.cells() if key.resolution_ms == HOUR_MS}
        assert (time in told) == (time < START + 2 * DAY_MS)
    assert summed(whole(older.cells(), Calendar())) == counted((time, "web") for time in [START + HOUR_MS, *hours])
