"""Documents that nobody could go through are refused with the line, whatever file they are in."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml.nodes import Node, ScalarNode

from stream.mapping.document import MOST_DEEP
from stream.mapping.nodes import Mistakes, compose, duration_ms, whole
from stream.mapping.problems import MappingError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))


def refused(text: str) -> str:
    with pytest.raises(MappingError) as caught:
        compose(text, "file.yaml")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("x:\n  " + "[" * 5_000, 2, "deep"),
        ("x: 1\ny: " + "[" * 41 + "]" * 41, 2, "deep"),
        ("- " * 3_000 + "x", 1, "deep"),
        ("".join(" " * n + "a:\n" for n in range(900)), 40, "deep"),
        (CHAIN, 39, "deep"),
        ("a: 1\nb: &b {c: *b}", 2, "contains itself"),
        ("a: &a\n  - x\n  - [y, *a]", 3, "contains itself"),
        (BOMB, 5, "aliases stand for more than"),
        ('a: 1\nb: "\\ud800"', 2, "surrogate"),
        ('a: 1\n"\\udfff": b', 2, "surrogate"),
        ('a: "\\ud83d\\ude00"', 1, "surrogate"),
        ('a: 1\nb: "\\U00110000"', 2, "not YAML"),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "not YAML"),
        (f"%YAML {'1' * 5_000}.1\n--- a", 1, "not YAML"),
    ],
)
def test_a_document_that_cannot_be_gone_through_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    problem = refused(text)
    assert problem.startswith(f"file.yaml:{line}: ")
    assert why in problem


def test_what_is_just_deep_enough_and_what_is_said_twice_by_an_alias_is_read() -> None:
    compose("[" * MOST_DEEP + "]" * MOST_DEEP, "file.yaml")
    root = compose("a: &a {x: [1, 2]}\nb: *a\nc: [*a, *a]\nd: \U0001f600", "file.yaml")
    assert root.value[0][1] is root.value[1][1]


def all_of(node: Node) -> int:
    """Goes through a document as a reader does."""
    if isinstance(node, ScalarNode):
        node.value.encode()
        return 1
    children = (each if isinstance(each, tuple) else (each,) for each in node.value)
    return 1 + sum(all_of(part) for pair in children for part in pair)


PIECES = """a:·|- |[|]|{|}|, |&a |*a|&b |*b|x|"|\\ud800|\\U|!!t |%YAML 1.1|---|# |? |<<: |'|é""".replace(
    "·", " "
).split("|")
pieces = st.sampled_from([*PIECES, "\n", "  ", "\t", "|\n", "\u2028", "\ud800", "\0"])


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join) | st.text(max_size=40))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    with suppress(MappingError):
        assert all_of(compose(text, "file.yaml")) < 1_000


@pytest.mark.parametrize("written", ["٣", "1٣", "²", "-1", "1e3", "1234567890", "1_000", ""])
def test_numbers_are_of_the_digits_0_to_9(written: str) -> None:
    for read, unit in ((whole, ""), (duration_ms, "s")):
        mistakes = Mistakes("file.yaml")
        read(compose(f'"{written}{unit}"', "file.yaml"), "it", mistakes)
        with pytest.raises(MappingError):
            mistakes.check()
