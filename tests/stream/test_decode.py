"""Decoding: each reason, and a batch always giving what its records give one by one."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rejected import Reason
from schemas.touchpoint import Touchpoint
from stream.decode import decode, decode_one

LIMIT = 2_000
GOOD: dict[str, Any] = {
    "type": "chat.started",
    "id": "1",
    "time": 1_767_225_600_000,
    "customer": "ann",
    "channel": "web",
}
SURVEY = {"type": "survey.answered", "survey": "s", "kind": "nps", "score": 9}
FOLD_REASONS = {Reason.TOO_OLD, Reason.FUTURE, Reason.LATE, Reason.FOLD_ERROR}
"""Those that need to know the time, or what came before."""


def value(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def without(name: str, **changes: Any) -> bytes:
    return json.dumps({key: given for key, given in (GOOD | changes).items() if key != name}).encode()


def survey(**changes: Any) -> bytes:
    return value(**(SURVEY | changes))


REFUSED: dict[Reason, list[bytes | None]] = {
    Reason.TOMBSTONE: [None],
    Reason.EMPTY: [b"", b" ", b"\n\t"],
    Reason.OVERSIZED: [value(id="x" * LIMIT), b"[" * (LIMIT + 1), b"\x1f\x8b" * LIMIT],
    Reason.NOT_UTF8: [value(id="X").replace(b"X", b"\xff"), value(id="X").replace(b"X", b"\xed\xa0\x80"), b"\xfe"],
    Reason.UNKNOWN_COMPRESSION: [
        gzip.compress(value(), mtime=0),
        b"\x28\xb5\x2f\xfd....",
        b"\x04\x22\x4d\x18",
        b"\x82SNAPPY\x00",
    ],
    Reason.MALFORMED_JSON: [
        value()[:-1],
        value() + value(),
        value() + b"\n" + value(),
        value() + b",",
        b"\xef\xbb\xbf" + value(),
        b"\x00" + value(),
        value() + b"\x00",
        value(id="X").replace(b"X", b"\x00"),
        value(id="X").replace(b"X", b"a\nb"),
        value(id="X").replace(b'"X"', b'"\\ud800"'),
        value(id="X").replace(b'"X"', b'"\\udc00\\ud800"'),
        value()[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}" + b"}",
        b"nonsense",
        b"{",
        b"}",
        b"{'type': 'chat.started'}",
        value().replace(b"1767225600000", b"NaN"),
        value().replace(b"1767225600000", b"01"),
    ],
    Reason.UNKNOWN_TYPE: [value(type="chat.begun"), value(type=""), value(type="Chat.started")],
    Reason.MISSING_FIELD: [
        b"{}",
        without("type"),
        without("id"),
        without("time"),
        without("customer"),
        without("channel"),
        without("score", **SURVEY),
        survey(kind="csat", scale={"min": 1}),
    ],
    Reason.WRONG_TYPE: [
        b"[]",
        b"null",
        b"5",
        b'"text"',
        value(type=5),
        value(id=5),
        value(id=None),
        value(time="2026-01-01"),
        value(time=1.5),
        value(customer=["ann"]),
        value(labels={"a": 5}),
        value(labels=[]),
        survey(score="9"),
        survey(scale=5),
    ],
    Reason.OUT_OF_RANGE: [
        value(id=""),
        value(id="x" * 257),
        value(time=2**53),
        value(time=10**30),
        value(time=-(2**53)),
        value(channel="Web"),
        value(channel="web site"),
        value(region=""),
        value(labels={"": "x"}),
        value(type="chat.message", author="nobody"),
        value(type="purchase.completed", order="1", amount=-1, currency="EUR"),
        value(type="purchase.completed", order="1", amount=1, currency="eur"),
        value(type="call.ended", duration_ms=10**17),
        survey(kind="other"),
        survey(reasons=["x"] * 33),
    ],
    Reason.NEGATIVE_DURATION: [
        value(type="call.ended", duration_ms=-1),
        value(type="call.answered", wait_ms=-(10**15)),
        value(type="visit.load", page="/", load_ms=-1),
    ],
    Reason.OFF_SCALE: [
        survey(score=11),
        survey(score=-1),
        survey(score=10**6),
        survey(kind="ces", score=0),
        survey(kind="ces", score=8),
        survey(kind="csat", score=11),
        survey(kind="csat", score=3, scale={"min": 5, "max": 1}),
        survey(kind="csat", score=5, scale={"min": 5, "max": 5}),
        survey(kind="nps", score=5, scale={"min": 1, "max": 7}),
        survey(kind="csat", score=5, scale={"min": 0, "max": 5000}),
        value(type="review.posted", rating=6),
    ],
}
TAKEN = [
    value(),
    b" " + value() + b"\n",
    json.dumps(GOOD, indent=2).encode(),
    value(id="a\nb"),
    value(id="\u0000"),
    value(id="} {\n"),
    value(id="é", customer="😀"),
    json.dumps(GOOD | {"customer": "é😀"}, ensure_ascii=False).encode(),
    value(unknown={"deep": [[{}]]}),
    value()[:-1] + b', "id": "again"}',
    value(region=None),
    survey(),
    survey(kind="ces", score=3, scale={"min": 0, "max": 3}),
]


def test_every_reason_that_decoding_can_give_has_an_example() -> None:
    assert REFUSED.keys() == set(Reason) - FOLD_REASONS


@pytest.mark.parametrize(("reason", "bad"), [(reason, bad) for reason, many in REFUSED.items() for bad in many])
def test_what_cannot_be_taken_says_why(reason: Reason, bad: bytes | None) -> None:
    outcome = decode_one(bad, LIMIT)
    assert type(outcome) is tuple
    assert outcome[0] == reason
    assert outcome[1]
    assert list(decode([bad], LIMIT)) == [outcome]


@pytest.mark.parametrize("good", TAKEN)
def test_what_is_well_formed_is_taken(good: bytes) -> None:
    outcome = decode_one(good, LIMIT)
    assert isinstance(outcome, Touchpoint)
    assert list(decode([good, good], LIMIT)) == [outcome, outcome]


def test_a_record_may_be_as_large_as_the_limit() -> None:
    assert isinstance(decode_one(value(), len(value())), Touchpoint)
    assert isinstance(decode([value()], len(value()))[0], Touchpoint)
    assert decode([value()], len(value()) - 1)[0] == decode_one(value(), len(value()) - 1)


def test_the_later_of_two_equal_keys_counts() -> None:
    outcome = decode_one(value()[:-1] + b', "id": "again"}', LIMIT)
    assert isinstance(outcome, Touchpoint)
    assert outcome.id == "again"


def test_deep_nesting_is_refused_and_does_not_harm_its_neighbours() -> None:
    deep = value()[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    outcomes = decode([value(), deep, value()], 10**6)
    assert [type(outcome) is tuple for outcome in outcomes] == [False, True, False]
    assert outcomes[1] == (Reason.MALFORMED_JSON, "nested too deeply")


HALVES = [
    value()[:40],
    value()[40:],
    b'{"labels": {"a": "b"}',
    b'"x": {}}',
    b"{",
    b"}",
    b'{"id": "',
    b'"}',
    value() + b"\n{",
]
"""What could become part of a neighbour if records were only joined."""


@settings(deadline=None, max_examples=300)
@given(
    values=st.lists(
        st.one_of(
            st.sampled_from(TAKEN),
            st.sampled_from([bad for many in REFUSED.values() for bad in many]),
            st.sampled_from(HALVES),
            st.binary(max_size=20),
            st.tuples(st.sampled_from(TAKEN), st.binary(max_size=3), st.integers(0, 200)).map(
                lambda cut: cut[0][: cut[2]] + cut[1] + cut[0][cut[2] :]
            ),
        ),
        max_size=6,
    )
)
def test_a_batch_gives_what_its_records_give_one_by_one(values: list[bytes | None]) -> None:
    assert list(decode(values, LIMIT)) == [decode_one(value, LIMIT) for value in values]


def test_one_event_of_two_records_is_not_made_up_for_by_two_events_of_one() -> None:
    head, tail = value(id="whole")[:-1] + b', "x":', b"{}}"
    outer, rest = b'{"labels": {"a": "b"}', b"," + value()[1:]
    doubled = value() + value()
    for values in ([head, tail, doubled], [doubled, head, tail], [outer, rest, doubled], [doubled, outer, rest]):
        assert list(decode(values, LIMIT)) == [decode_one(each, LIMIT) for each in values]
        assert all(type(outcome) is tuple for outcome in decode(values, LIMIT))


@settings(deadline=None, max_examples=200)
@given(
    pieces=st.lists(st.sampled_from([b"{", b"}", b"\n", value(), value()[1:], value()[:-1], b",", b'"']), max_size=8)
)
def test_records_never_merge_into_others(pieces: list[bytes]) -> None:
    values = [b"".join(pieces[:4]), b"".join(pieces[4:])]
    assert list(decode(values, LIMIT)) == [decode_one(value, LIMIT) for value in values]


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        (Reason.UNKNOWN_TYPE, value(type="missing required field")),
        (Reason.OUT_OF_RANGE, value(type="chat.message", author="scale")),
        (Reason.OUT_OF_RANGE, value(type="visit.app", screen="s", device="scale")),
    ],
)
def test_the_reason_does_not_depend_on_what_the_value_says(reason: Reason, bad: bytes) -> None:
    outcome = decode_one(bad, LIMIT)
    assert type(outcome) is tuple
    assert outcome[0] == reason


@pytest.mark.parametrize(
    "bad", [value(channel="web\n"), value(type="purchase.completed", order="1", amount=1, currency="EUR\n")]
)
def test_a_pattern_matches_the_whole_text(bad: bytes) -> None:
    outcome = decode_one(bad, LIMIT)
    assert type(outcome) is tuple
    assert outcome[0] == Reason.OUT_OF_RANGE
