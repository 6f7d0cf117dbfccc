"""Reasons of answers: how many are told apart, and that each always counts alike."""

import orjson
import pytest

from stream.config import Config
from stream.driver import Driver, Line
from stream.fold import Fold
from stream.vocabulary import PREFIX, Vocabulary

START = 1_773_187_200_000
DAY = 86_400_000


def keys(vocabulary: Vocabulary) -> list[bytes]:
    return list(vocabulary.changes())


def test_what_was_stored_is_known_and_takes_up_room() -> None:
    first = Vocabulary(2)
    first.known("price")
    again = Vocabulary(2, keys(first))
    assert [again.known(word) for word in ("speed", "price", "staff", "speed")] == ["speed", "price", "other", "speed"]
    assert len(keys(again)) == again.capped == 1


def test_what_is_rolled_back_leaves_room() -> None:
    words = Vocabulary(1)
    words.known("price")
    words.rollback()
    assert (words.known("speed"), words.known("price"), len(keys(words))) == ("speed", "other", 1)
    words.settle()
    words.rollback()
    assert (words.known("speed"), keys(words)) == ("speed", [])


def test_other_takes_no_room() -> None:
    words = Vocabulary(1)
    assert [words.known(word) for word in ("other", "price", "speed")] == ["other", "price", "other"]


def answer(number: int, *reasons: str, survey: str | None = None, score: int = 3) -> bytes:
    event = {"type": "survey.answered", "id": f"e{number}", "time": START + number, "customer": "ann", "channel": "web"}
    given = {"survey": survey or f"s{number}", "kind": "nps", "score": score, "reasons": reasons}
    return orjson.dumps(event | given)


def detractors(driver: Driver) -> dict[str, int]:
    found = driver.values(START, START + DAY)["reasons_given_ratio"].distribution or {}
    return found.get("nps detractor", {})


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("crashes", [False, True])
def test_beyond_the_cap_reasons_count_as_other_once_for_each_answer(batch: int, crashes: bool) -> None:
    driver = Driver(Config(max_reasons=2))
    told = [answer(1, "price"), answer(2, "speed", "price"), answer(3, "staff", "shop"), answer(4, "price", "price")]
    told.append(answer(5, "staff"))
    for at in range(0, len(told), batch):
        driver.feed([(b"ann", each) for each in told[at : at + batch]], START + DAY)
        if crashes:
            driver.crash(0, START + DAY, again=0, lose=at == 2)
    assert detractors(driver) == {"price": 3, "speed": 1, "other": 2}
    assert sum(folded.capped for folded in driver.folded) >= 3


def test_a_reason_is_taken_back_as_it_was_counted_also_after_a_restart() -> None:
    driver = Driver(Config(max_reasons=1))
    driver.feed([(b"ann", answer(1, "price")), (b"ann", answer(2, "speed", survey="s"))], START + DAY)
    assert detractors(driver) == {"price": 1, "other": 1}
    driver.crash(0, START + DAY, again=0)
    driver.feed([(b"ann", answer(3, "price", survey="s"))], START + DAY)
    assert detractors(driver) == {"price": 2}


def test_an_answer_that_a_later_one_has_replaced_already_takes_no_room() -> None:
    driver = Driver(Config(max_reasons=1))
    told = [answer(9, survey="s"), answer(1, "price", survey="s"), answer(10, "speed", survey="other")]
    driver.feed([(b"ann", each) for each in told], START + DAY)
    assert detractors(driver) == {"speed": 1}


def test_a_batch_given_up_takes_no_room() -> None:
    store: dict[bytes, bytes] = {}
    fold = Fold(Config(max_reasons=1), "touchpoints", 0, store.get)
    fold.process([Line(0, b"ann", answer(1, "price"))], START + DAY)
    fold.rollback()
    folded = fold.process([Line(0, b"ann", answer(1, "speed"))], START + DAY)
    assert [key for key in folded.changes if key.startswith(PREFIX)] == [PREFIX + b"\xa5speed"]
    assert folded.capped == 0


def test_a_reason_changes_sides_with_the_score() -> None:
    driver = Driver(Config())
    driver.feed([(b"ann", answer(1, "price", survey="s"))], START + DAY)
    driver.feed([(b"ann", answer(2, "price", survey="s", score=10))], START + DAY)
    given = driver.values(START, START + DAY)["reasons_given_ratio"]
    assert (given.value, given.samples, given.distribution) == (1, 1, {"nps promoter": {"price": 1}})
