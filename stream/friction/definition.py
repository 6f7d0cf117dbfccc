"""A signal's definition, as its class says it: the one text behind ``cxstream explain`` and docs/friction.md."""

import inspect
from dataclasses import dataclass

from stream.friction.signal import Signal

_EXAMPLE = "Example:\n"


class DefinitionError(ValueError):
    """A docstring without a summary or an example."""


@dataclass(frozen=True, slots=True)
class Definition:
    """``summary`` is its first paragraph, ``notes`` those after it; ``thresholds`` the usual ones, ``sign`` how a value
    in ``unit`` breaks its bound."""

    name: str
    summary: str
    notes: list[str]
    example: str
    thresholds: dict[str, int]
    sign: str
    unit: str
    severity: str
    cooldown_hours: int


def define(signal: type[Signal]) -> Definition:
    """What the class of a signal says.

    Raises:
        DefinitionError: there is no summary, or no example.
    """
    text, _, example = (inspect.getdoc(signal) or "").partition(_EXAMPLE)
    summary, *notes = [_plain(each) for each in text.strip().split("\n\n")]
    if not summary or ">>>" not in example:
        raise DefinitionError(f"{signal.name} must say a summary and an example")
    return Definition(
        name=signal.name,
        summary=summary,
        notes=notes,
        example=inspect.cleandoc(example),
        thresholds=dict(signal.thresholds),
        sign=signal.sign,
        unit=signal.unit,
        severity=signal.severity,
        cooldown_hours=signal.cooldown_hours,
    )


def _plain(paragraph: str) -> str:
    """A paragraph in one line; of a list, each item in one."""
    lines: list[str] = []
    for line in paragraph.splitlines():
        if lines and not line.startswith("- "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)
