"""A metric's definition, as its class says it: the one text behind ``cxstream explain`` and docs/metrics.md."""

import inspect
import re
from dataclasses import dataclass

from stream.metrics.base import Metric

SECTIONS = ("Formulas", "Counters", "Edge cases", "Source", "Example")


class DefinitionError(ValueError):
    """A docstring that lacks a section, or has one that there is none of."""


@dataclass(frozen=True, slots=True)
class Definition:
    """``formulas`` are by the name of the value, ``counters`` by the pattern of their names, both in order.

    In such a pattern, capitals stand for what differs: ``ces:LOW:HIGH:SCORE``.
    """

    name: str
    summary: str
    formulas: dict[str, str]
    counters: dict[str, str]
    edge_cases: list[str]
    source: str
    example: str


def define(metric: Metric) -> Definition:
    """What the docstring of a metric says.

    Raises:
        DefinitionError: a section is missing, empty or unknown.
    """
    name = type(metric).__module__.rpartition(".")[2]
    summary, sections = _sections(inspect.getdoc(type(metric)) or "", name)
    return Definition(
        name=name,
        summary=summary,
        formulas=_pairs(sections["Formulas"], " = "),
        counters=_pairs(sections["Counters"], ": "),
        edge_cases=_paragraphs(sections["Edge cases"]),
        source=" ".join(_paragraphs(sections["Source"])),
        example=inspect.cleandoc(sections["Example"]),
    )


def counts(definition: Definition, counter: str) -> bool:
    """Whether a counter is one of those that a definition names."""
    patterns = (re.sub(r"[A-Z]+", r"[^:]+", re.escape(each)) for each in definition.counters)
    return any(re.fullmatch(pattern, counter) for pattern in patterns)


def _sections(text: str, name: str) -> tuple[str, dict[str, str]]:
    """The summary, and the text of each section by its title."""
    summary, *parts = re.split(r"^(\w[\w ]*):\n(?=    )", text, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    if tuple(sections) != SECTIONS or not summary.strip() or not all(map(str.strip, sections.values())):
        raise DefinitionError(f"{name} must say a summary and then {', '.join(SECTIONS)}, not {', '.join(sections)}")
    return " ".join(summary.split()), sections


def _paragraphs(text: str) -> list[str]:
    """Lines, those that are indented further belonging to the one before."""
    return [" ".join(each.split()) for each in re.split(r"\n(?=\S)", inspect.cleandoc(text))]


def _pairs(text: str, between: str) -> dict[str, str]:
    return dict(each.partition(between)[::2] for each in _paragraphs(text))
