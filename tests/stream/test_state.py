"""State: what changed, what is durable, and what a failed batch leaves behind."""

from msgspec import Struct, msgpack

from schemas.cell import Cell, CellKey, Watermark, WatermarkKey, encode
from stream.board import Board
from stream.config import Config
from stream.driver import Line
from stream.state import Changes, State


class Number(Struct, array_like=True):
    n: int

    def encode(self) -> bytes:
        return msgpack.encode(self)


decode = msgpack.Decoder(Number).decode


class Blob(bytes):
    def encode(self) -> bytes:
        return self


class Store(dict[bytes, bytes]):
    """A dict that counts how often it is read."""

    reads = 0

    def load(self, key: bytes) -> bytes | None:
        self.reads += 1
        return self.get(key)

    def write(self, changes: Changes) -> None:
        for key, value in changes.items():
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value


def stored(**numbers: int) -> Store:
    return Store({name.encode(): Number(n).encode() for name, n in numbers.items()})


def test_what_is_not_there_is_none() -> None:
    assert State(stored().load).get(b"a", decode) is None


def test_what_is_stored_is_decoded_once() -> None:
    store = stored(a=1)
    state = State(store.load)
    first = state.get(b"a", decode)
    assert first == Number(1)
    assert state.get(b"a", decode) is first
    assert store.reads == 1


def test_what_was_put_is_read_and_handed_over_once() -> None:
    state = State(stored().load)
    state.put(b"a", Number(1))
    assert state.get(b"a", decode) == Number(1)
    assert state.changes() == {b"a": Number(1).encode()}
    assert state.changes() == {}


def test_a_state_says_whether_there_is_something_to_hand_over() -> None:
    state = State(stored().load)
    said = [state.is_changed]
    state.put(b"a", Number(1))
    said.append(state.is_changed)
    state.changes()
    said.append(state.is_changed)
    assert said == [False, True, False]


def test_reading_is_no_change() -> None:
    state = State(stored(a=1).load)
    state.get(b"a", decode)
    assert state.changes() == {}


def test_what_was_deleted_is_gone_before_during_and_after_it_is_stored() -> None:
    store = stored(a=1)
    state = State(store.load)
    state.delete(b"a")
    assert state.get(b"a", decode) is None
    changes = state.changes()
    assert changes == {b"a": None}
    assert state.get(b"a", decode) is None
    store.write(changes)
    state.settle()
    assert state.get(b"a", decode) is None


def test_what_is_put_after_it_was_deleted_is_there() -> None:
    state = State(stored(a=1).load)
    state.delete(b"a")
    state.put(b"a", Number(2))
    assert state.get(b"a", decode) == Number(2)
    assert state.changes() == {b"a": Number(2).encode()}


def test_a_rollback_reads_the_store_again() -> None:
    state = State(stored(a=1, b=1).load)
    known = state.get(b"a", decode)
    assert known is not None
    known.n = 5
    state.put(b"a", known)
    state.delete(b"b")
    state.put(b"c", Number(3))
    state.rollback()
    assert [state.get(key, decode) for key in (b"a", b"b", b"c")] == [Number(1), Number(1), None]
    assert state.changes() == {}


def test_a_rollback_also_undoes_what_was_handed_over_but_not_settled() -> None:
    state = State(stored(a=1).load)
    state.put(b"a", Number(2))
    state.changes()
    state.put(b"b", Number(3))
    state.rollback()
    assert state.get(b"a", decode) == Number(1)
    assert state.get(b"b", decode) is None


def test_what_is_settled_is_not_undone() -> None:
    store = stored()
    state = State(store.load)
    state.put(b"a", Number(2))
    store.write(state.changes())
    state.settle()
    state.rollback()
    assert state.get(b"a", decode) == Number(2)


def test_changes_made_while_others_are_stored_belong_to_the_next() -> None:
    store = stored()
    state = State(store.load)
    state.put(b"a", Number(1))
    first = state.changes()
    state.put(b"a", Number(2))
    store.write(first)
    state.settle()
    assert state.get(b"a", decode) == Number(2)
    assert state.changes() == {b"a": Number(2).encode()}


def test_beyond_its_room_objects_are_read_from_the_store_again() -> None:
    store = stored()
    state = State(store.load, room=10 * 603)
    for number in range(100):
        state.put(str(number).encode(), Number(number))
        store.write(state.changes())
        state.settle()
    store.reads = 0
    assert [state.get(str(number).encode(), decode) for number in range(100)] == [Number(n) for n in range(100)]
    assert store.reads >= 85


def test_room_is_counted_in_bytes() -> None:
    room = 100 * 1024
    small, large = stored(), stored()
    for store, text in ((small, b"s"), (large, b"l" * 5_000)):
        state = State(store.load, room)
        for number in range(100):
            state.put(str(number).encode(), Blob(text))
            store.write(state.changes())
            state.settle()
        store.reads = 0
        for number in range(100):
            state.get(str(number).encode(), Blob)
    assert (small.reads, large.reads) == (0, 100 - 6)


def test_what_is_changed_is_kept_however_little_room_there_is() -> None:
    store = stored()
    state = State(store.load, room=603)
    for number in range(20):
        state.put(str(number).encode(), Number(number))
    first = state.changes()
    for number in range(20):
        state.put(str(number).encode(), Number(-number))
    store.write(first)
    state.settle()
    assert [state.get(str(number).encode(), decode) for number in range(20)] == [Number(-n) for n in range(20)]


# A board over its state


def cell(offset: int, total: int, source: int = 0) -> tuple[bytes, bytes]:
    return encode(CellKey((), 86_400_000, 0, source)), encode(Cell({"touchpoints": total}, offset))


def read(board: Board) -> int:
    return board.history.read((), 0, 86_400_000).total.get("touchpoints", 0)


def merge(board: Board, *pairs: tuple[bytes, bytes | None]) -> int:
    first = board.marker.offset + 1
    return board.merge([Line(first + at, key, value) for at, (key, value) in enumerate(pairs)], 0)


def test_a_later_total_takes_the_place_of_an_earlier_one_and_never_the_other_way() -> None:
    board = Board(Config(), (), stored().load)
    merge(board, cell(5, total=10), cell(3, total=99), cell(5, total=10))
    assert read(board) == 10
    merge(board, cell(6, total=4))
    assert read(board) == 4


def test_the_totals_of_source_partitions_are_added() -> None:
    board = Board(Config(), (), stored().load)
    merge(board, cell(5, total=10, source=0), cell(5, total=7, source=1))
    assert read(board) == 17


def test_a_tombstone_and_a_record_below_the_marker_change_nothing() -> None:
    board = Board(Config(), (), stored().load)
    key, value = cell(5, total=10)
    merge(board, (key, value), (key, None))
    board.merge([Line(0, *cell(9, total=99))], 0)
    assert read(board) == 10


def test_an_older_watermark_does_not_take_the_place_of_a_later_one() -> None:
    store = stored()
    board = Board(Config(), (), store.load)
    key = encode(WatermarkKey(0))
    merge(board, (key, encode(Watermark(100, 5))), (key, encode(Watermark(50, 3))))
    store.write(board.state.changes())
    assert Board(Config(), (), store.load, list(store)).progress.latest_ms == 100


def test_a_foreign_record_is_counted_and_left_out() -> None:
    board = Board(Config(), (), stored().load)
    assert merge(board, (b"nonsense", b"x"), (b"", b""), cell(1, total=3), (cell(2, 0)[0], b"\xc1")) == 3
    assert read(board) == 3


def test_a_board_read_back_from_its_store_reads_the_same() -> None:
    store = stored()
    board = Board(Config(), (), store.load)
    merge(board, cell(5, total=10), cell(5, total=7, source=1))
    store.write(board.state.changes())
    board.state.settle()
    again = Board(Config(), (), store.load, list(store))
    assert (read(again), again.marker) == (17, board.marker)
