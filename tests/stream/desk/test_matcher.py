"""Matchers fit what Alertmanager's would, told by another way of looking at it."""

import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError, json

from schemas.handling import Matcher, Silence, decode_handling
from stream.desk.matcher import MatcherError, labels_of, match_all, matches, parse, says_something
from tests.alerts import friction, metric

TEXTS = st.text("ab|.*", max_size=4)
OPS: tuple[Literal["=", "!=", "=~", "!~"], ...] = ("=", "!=", "=~", "!~")
LABELS = st.dictionaries(st.sampled_from(["x", "y"]), TEXTS, max_size=2)


@st.composite
def matchers(draw: st.DrawFn) -> Matcher:
    op = draw(st.sampled_from(OPS))
    value = draw(st.sampled_from(["", "a", "a|b", "a.*", ".*", ".+", "(ab)?"]) if "~" in op else TEXTS)
    return Matcher(name=draw(st.sampled_from(["x", "y", "z"])), op=op, value=value)


def fits(matcher: Matcher, labels: dict[str, str]) -> bool:
    """By the words of Alertmanager's documentation, with anchors of its own."""
    value = labels.get(matcher.name, "")
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return re.search(rf"\A(?:{matcher.value})\Z", value) is not None
        case _:
            return re.search(rf"\A(?:{matcher.value})\Z", value) is None


@given(matchers(), LABELS)
def test_a_matcher_fits_as_its_operator_says(matcher: Matcher, labels: dict[str, str]) -> None:
    assert matches(matcher, labels) == fits(matcher, labels)


@given(st.lists(matchers(), max_size=4), LABELS)
def test_several_must_all_fit(several: list[Matcher], labels: dict[str, str]) -> None:
    assert match_all(several, labels) == (False not in [fits(matcher, labels) for matcher in several])


@given(matchers())
def test_a_matcher_reads_as_it_is_written(matcher: Matcher) -> None:
    assert parse(str(matcher)) == matcher


@given(st.text(max_size=30))
def test_any_value_survives_being_written(value: str) -> None:
    matcher = Matcher(name="x", op="=", value=value)
    assert parse(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("written", "name", "op", "value"),
    [
        ("region=eu", "region", "=", "eu"),
        (" region != eu ", "region", "!=", "eu"),
        ("alertname=~Low.*", "alertname", "=~", "Low.*"),
        ('x!~"a=b"', "x", "!~", "a=b"),
        ("x=", "x", "=", ""),
        ("plan-2.tier=a b", "plan-2.tier", "=", "a b"),
        ("x==y", "x", "=", "=y"),
    ],
)
def test_what_can_be_written(written: str, name: str, op: str, value: str) -> None:
    found = parse(written)
    assert (found.name, found.op, found.value) == (name, op, value)


@pytest.mark.parametrize("written", ["", "region", "=eu", "2x=1", 'x="a', 'x="a"b"', "x=~(", "x=~" + "a" * 501])
def test_what_is_no_matcher_is_refused_with_its_text(written: str) -> None:
    with pytest.raises(MatcherError, match=re.escape(f"`{written}`")):
        parse(written)


def test_a_pattern_that_is_none_cannot_come_from_the_topic() -> None:
    data = b'{"kind":"silence","by":"a","id":"1","starts":1,"ends":2,"matchers":[{"name":"x","op":"=~","value":"("}]}'
    with pytest.raises(ValidationError, match="no regular expression"):
        decode_handling(data)
    with pytest.raises(ValidationError, match="needs a matcher"):
        decode_handling(b'{"kind":"silence","by":"a","id":"1","starts":1,"ends":2,"matchers":[]}')
    sound = Silence(id="1", by="a", matchers=(parse("x=~a"),), starts_ms=1, ends_ms=2)
    assert decode_handling(json.encode(sound)) == sound


@given(st.lists(matchers(), max_size=3))
def test_what_fits_an_alert_without_labels_says_nothing(several: list[Matcher]) -> None:
    assert says_something(several) == (not match_all(several, {}))


def test_name_severity_and_customer_can_be_matched_and_come_before_labels() -> None:
    assert labels_of(metric("A", severity="info", labels={"severity": "x", "region": "eu"})) == {
        "alertname": "A",
        "severity": "info",
        "region": "eu",
    }
    found = labels_of(friction("ann", about="t-1"))
    assert (found["customer"], found["about"], found["alertname"]) == ("ann", "t-1", "repeat_contact")


@pytest.mark.parametrize(
    ("written", "value"), [(r'a=~"c\d+"', r"c\d+"), (r'a="x\ny"', "x\ny"), (r'a="\"\\"', '"\\'), (r"a=~c\d+", r"c\d+")]
)
def test_a_backslash_in_quotes_is_taken_from_quotes_backslashes_and_newlines_alone(written: str, value: str) -> None:
    assert parse(written).value == value
    assert parse(str(parse(written))) == parse(written)


def test_a_pattern_that_is_too_much_is_no_matcher() -> None:
    with pytest.raises(MatcherError):
        parse("a=~(b{1000}){1000}")


@pytest.mark.parametrize(
    ("written", "value", "fits"),
    [
        ("x=~[[:alpha:]]+", "abc", True),
        ("x=~[[:alpha:]]+", "a1", False),
        (r"x=~\pL+\z", "ærlig", True),
        ("x=~(?i)low", "LOW", True),
        ("x=~a|b", "ab", False),
        ("x=~a.b", "a\nb", True),
        ("x!~[[:^digit:]]*", "a1", True),
    ],
)
def test_patterns_are_those_of_re2_as_in_alertmanager(written: str, value: str, fits: bool) -> None:
    assert matches(parse(written), {"x": value}) is fits


@pytest.mark.parametrize("written", ["x=~(?=a)", r"x=~(a)\1", r"x=~a\Z", "x=~(?<!a)b"])
def test_what_re2_does_not_have_is_refused(written: str) -> None:
    with pytest.raises(MatcherError, match="no regular expression"):
        parse(written)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*a){20}b", "(a*)*b"])
def test_no_pattern_takes_exponential_time_on_a_customer_id(pattern: str) -> None:
    """Python's `re` would not end in years: the test's own time limit is what this is about."""
    assert not matches(parse(f"customer=~{pattern}"), {"customer": "a" * 10_000})
