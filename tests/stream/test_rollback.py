"""A batch that could not be made durable is rolled back and folded again in parts."""

import pytest

from stream.config import Config
from stream.driver import Line
from stream.fold import Fold
from stream.folded import Folded
from stream.slices import HOUR_MS
from stream.state import Changes
from tests.laws.stories import START, Teller, record

NOW = START + 99 * 24 * HOUR_MS


class Partition:
    """A fold over a dict, and what it told of cells."""

    def __init__(self) -> None:
        self.store: dict[bytes, bytes] = {}
        self.fold = Fold(Config(), "touchpoints", 0, self.store.get)
        self.expired: set[object] = set()

    def commit(self, lines: list[Line]) -> Folded:
        folded = self.fold.process(lines, NOW)
        self.write(folded.changes)
        self.fold.settle()
        self.expired.update(folded.expired)
        return folded

    def write(self, changes: Changes) -> None:
        for key, value in changes.items():
            if value is None:
                self.store.pop(key, None)
            else:
                self.store[key] = value

    def give_up(self, lines: list[Line]) -> None:
        """Fold, and learn that the batch is too large."""
        self.fold.process(lines, NOW)
        self.fold.rollback()


def lines(seed: int) -> list[Line]:
    events = Teller(seed, days=12).story(customers=5, acts=4)
    return [Line(offset, *record(event)) for offset, event in enumerate(events)]


def kept(store: dict[bytes, bytes], kind: bytes) -> set[bytes]:
    return {key for key in store if key.startswith(kind)}


def both(seed: int) -> tuple[Partition, Partition]:
    """One partition that gave up a batch and folded its halves, and one that folded the same halves at once."""
    told, tried, plain = lines(seed), Partition(), Partition()
    third, half = len(told) // 3, 2 * len(told) // 3
    for partition in (tried, plain):
        partition.commit(told[:third])
    tried.give_up(told[third:])
    for partition in (tried, plain):
        partition.commit(told[third:half])
        partition.commit(told[half:])
    return tried, plain


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_given_up_leaves_customers_tickets_and_answers_alone(seed: int) -> None:
    tried, plain = both(seed)
    for kind in (b"c", b"t", b"s", b"a", b"v", b"m"):
        keys = kept(plain.store, kind)
        assert kept(tried.store, kind) == keys
        assert {key: tried.store[key] for key in keys} == {key: plain.store[key] for key in keys}


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_given_up_expires_nothing_for_good(seed: int) -> None:
    tried, plain = both(seed)
    assert tried.expired == plain.expired
    assert kept(tried.store, b"k") == kept(plain.store, b"k")


def test_a_batch_given_up_does_not_lose_its_segments() -> None:
    told, partition = lines(1), Partition()
    partition.give_up(told)
    partition.commit(told)
    plain = Partition()
    plain.commit(told)
    assert kept(plain.store, b"g")
    assert kept(partition.store, b"g") == kept(plain.store, b"g")
