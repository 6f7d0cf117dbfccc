"""State of earlier releases is read as it is; what a later one wrote is left alone.

``states`` holds what was stored before there was a version 2, bytes by key: by the windows at commit 22f861f^, by the
customers at bc372c9. In it the alert
`Visited` fires, and `Quiet` has fired and resolved.
"""

from functools import partial
from pathlib import Path

import pytest
from msgspec import msgpack

from stream.board import Board
from stream.cases import AnswerKind, Contribution
from stream.cases.answer import Answer
from stream.config import Config
from stream.driver import Line
from stream.facts import Answered
from stream.fold import Fold
from stream.keeping import scanned
from stream.marker import MARKER, Marker
from stream.rules.alertstate import decode_alert_state
from stream.rules.rule import Rule
from stream.slices import HOUR_MS, MINUTE_MS
from stream.totals import PREFIX as CELL
from stream.versions import VERSION, NewerStateError, Shape
from tests.laws.stories import DAY, START, record

RULES = [Rule("Visited", "touchpoints", "1h", "above", 0.5), Rule("Quiet", "touchpoints", "1m", "above", 3.5)]
NEW = ("confirmed.", "target.", "tickets.left.", "accounts.", "reasons")
"""What counters begin with that earlier releases did not have."""
Store = dict[bytes, bytes]


def stored(version: int, table: str) -> Store:
    data = (Path(__file__).parent / "states" / f"{version}-{table}.msgpack").read_bytes()
    return msgpack.decode(data, type=Store)


def board(store: Store) -> Board:
    return Board(Config(), RULES, store.get, store, START + 5 * MINUTE_MS)


def write(store: Store, changes: dict[bytes, bytes | None]) -> None:
    for key, value in changes.items():
        store.pop(key, None) if value is None else store.__setitem__(key, value)


def test_alerts_of_release_1_go_on_from_where_they_stood() -> None:
    store = stored(1, "windows")
    resumed = board(store)
    assert [alert.id.partition("-")[2] for alert in resumed.watch.standing()] == ["1-firing", "1-resolved"]
    (resolved,) = resumed.evaluate(START + 3 * HOUR_MS)
    assert (resolved.alert, resolved.state, resolved.sequence) == ("Visited", "resolved", 1)
    # What has changed is stored in the present shape, the rest stays as it is, and both are read.
    write(store, resumed.state.changes())
    (of_visited,) = [key for key in store if key.startswith(b"a") and store[key].startswith(b"\xc1\x02")]
    assert decode_alert_state(store[of_visited]).last == (resolved,)
    assert [alert.id.partition("-")[2] for alert in board(store).watch.standing()] == ["1-resolved", "1-resolved"]


def test_customers_of_release_1_are_known() -> None:
    store = stored(1, "customers")
    fold = Fold(Config(), "touchpoints", 0, store.get, store)
    known = {"type": "visit.page", "id": "v1", "time": START + 1, "customer": "ann", "channel": "web", "page": "/"}
    folded = fold.process([Line(fold.marker.offset + 1, *record(known))], START + HOUR_MS)
    assert (folded.duplicates, folded.events.total()) == (1, 0)
    marker = folded.changes[MARKER]
    assert marker is not None
    assert msgpack.decode(marker)[0] == VERSION


def test_a_state_of_a_later_release_is_an_error() -> None:
    store = {MARKER: Marker(VERSION + 1, 7, START, 0, 0, 8).encode()}
    with pytest.raises(NewerStateError, match=f"touchpoints-3 is of version {VERSION + 1}.*another `id`"):
        Fold(Config(), "touchpoints", 3, store.get, store)
    with pytest.raises(NewerStateError):
        board(store)


def test_an_object_of_a_later_shape_is_an_error() -> None:
    later = Shape(msgpack.Decoder(list[int]).decode, lambda old: [old], lambda old: old)
    now = Shape(msgpack.Decoder(list[int]).decode, lambda old: [old])
    with pytest.raises(NewerStateError):
        now.decode(later.encode(msgpack.encode([1])))


def test_an_object_is_led_through_every_shape_since_its_own() -> None:
    first, second = (Shape(msgpack.decode, *[lambda old: [old]] * steps) for steps in (0, 1))
    third = Shape(msgpack.decode, lambda old: [old], lambda old: {"all": old})
    assert third.decode(msgpack.encode(7)) == {"all": [7]}
    assert third.decode(second.encode(msgpack.encode([7]))) == {"all": [7]}
    assert third.decode(third.encode(msgpack.encode({"all": [7]}))) == {"all": [7]}
    assert first.decode(msgpack.encode(7)) == 7


def test_answers_of_release_1_are_still_replaced() -> None:
    old = msgpack.encode([START, "a1", [None], {"kind": "csat", "score": 4, "low": 1, "high": 5}])
    answer = AnswerKind.decode(old)
    assert answer == Answer(START, (Contribution(START, (None,), Answered("csat", 4, 1, 5)),), "a1")
    assert AnswerKind.decode(answer.encode()) == answer


@pytest.mark.parametrize(
    ("version", "known"),
    [
        (2, ("resolved", "art.", "ces:", "csat:", "nps:")),
        (3, ("resolved", "trials.started", "trials.converted", "purchases.")),
        (4, ("",)),
        (5, ("",)),
    ],
)
def test_cases_of_an_earlier_release_are_taken_back_where_they_were_counted(
    version: int, known: tuple[str, ...]
) -> None:
    """``n-customers`` holds what came of the first half of ``n-events``; ``known`` are counters of that release.

    Of what only this release counts, earlier states know too little.
    """
    lines = (Path(__file__).parent / "states" / f"{version}-events.ndjson").read_bytes().splitlines()
    anew: Store = {}
    went_on = stored(version, "customers")
    for store in (anew, went_on):
        fold = Fold(Config(), "touchpoints", 0, store.get, store, partial(scanned, store))
        told = [Line(at, None, line) for at, line in enumerate(lines)][fold.marker.offset + 1 :]
        write(store, fold.process(told, START + 100 * DAY).changes)
    assert len(anew) > 200
    assert counted(went_on, known) == counted(anew, known) != {}


def counted(store: Store, known: tuple[str, ...]) -> dict[bytes, dict[str, int]]:
    """The counters that begin like the ``known`` ones, by cell, of those that have any.

    Not those of accounts, which count from version 5 on: of a conversion that came before, nothing is known then.
    """
    cells = {key: msgpack.decode(value) for key, value in store.items() if key.startswith(CELL)}
    found = {
        key: {name: n for name, n in cell.items() if name.startswith(known) and not name.startswith(NEW)}
        for key, cell in cells.items()
    }
    return {key: counters for key, counters in found.items() if counters}
