"""The book of cases: what was half done is forgotten."""

import pytest

from schemas.touchpoint import Touchpoint
from schemas.visit import PageViewed
from stream.casebook import CaseBook
from stream.cases import Contributions, Kind
from stream.cases.shopper import Shopper, ShopperKind
from stream.config import Config
from stream.keeping import Keeping
from stream.segments import Segments, Values
from stream.state import State
from stream.tally import Tally


class Faulty(Kind[Shopper]):
    """Changes a case, and then cannot go on."""

    title, prefix, events = "faulty", b"h", (PageViewed,)

    def name(self, event: Touchpoint) -> tuple[str, ...]:
        return ()

    def begin(self, event: Touchpoint, values: Values) -> Shopper:
        return Shopper(0, (), "")

    def take(self, case: Shopper, event: Touchpoint, values: Values) -> Contributions:
        case.event = event.id
        raise ArithmeticError("half done")

    def join(self, case: Shopper, other: Shopper) -> Contributions:
        raise ArithmeticError("half done")

    @staticmethod
    def decode(data: bytes) -> Shopper:
        return ShopperKind.decode(data)


def test_what_a_case_was_in_the_middle_of_is_not_there_after_a_rollback() -> None:
    config, stored = Config(), {b"h\x91\xa3ann": Shopper(0, (), "before").encode()}
    state = State(stored.get)
    keeping = Keeping(config, state, stored.get, lambda *_: ())
    tally = Tally(config, Segments(config.segmentations, config.dimensions, 9))
    book = CaseBook(Faulty(config), config, state, keeping, tally)
    seen = PageViewed(id="e1", time_ms=1, customer="ann", channel="web", page="/")
    with pytest.raises(ArithmeticError):
        book.take(seen, (None,) * 4, 1)
    state.rollback()
    found = state.get(b"h\x91\xa3ann", Faulty.decode)
    assert found is not None
    assert found.event == "before"
