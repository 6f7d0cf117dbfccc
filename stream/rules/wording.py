"""What an alert says: annotations, in which ``{value}`` and the like stand for what was found."""

import math
import re
from collections.abc import Iterator

from schemas.cell import Segment
from stream.metrics import UNITS
from stream.rules.rule import Finding, Rule, dimensions
from stream.rules.shown import shown

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ALWAYS = ("alert", "severity", "metric", "window", "value", "samples", "bound")
NOTHING = "–"
"""What stands for a value that there is none of."""


def placeholders(template: str) -> list[str]:
    """The names in a template.

    >>> placeholders("{value} of {samples} in {channel}")
    ['value', 'samples', 'channel']
    """
    return _PLACEHOLDER.findall(template)


def known_placeholders(rule: Rule) -> set[str]:
    """The names that there is something for; one of them wins over a label of the same name."""
    return {*_ALWAYS, *dict(_own(rule)), *dimensions(rule), *dict(rule.labels)}


def _own(rule: Rule) -> Iterator[tuple[str, str]]:
    """What only some rules have, and the attribute of a finding that it is."""
    if rule.recover is not None:
        yield "recover", ""
    if rule.confidence is not None:
        yield from (("low", "low"), ("high", "high"))
    if rule.of == "deviation":
        yield from (("usual", "before"), ("deviation", "measured"))
    elif rule.of != "value":
        yield from (("before", "before"), ("change", "measured"))


def worded(rule: Rule, segment: Segment, found: Finding) -> dict[str, str]:
    """The annotations of an alert."""
    if not rule.annotations:
        return {}
    words = rule.labels_of(segment) | _words(rule, found)
    return {key: _PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), text) for key, text in rule.annotations}


def _words(rule: Rule, found: Finding) -> dict[str, str]:
    unit = UNITS[rule.metric]
    words = {
        "alert": rule.alert,
        "severity": rule.severity,
        "metric": rule.metric,
        "window": rule.window,
        "value": NOTHING if found.value is None else shown(found.value.value, unit),
        "samples": f"{0 if found.value is None else found.value.samples:,}",
        "bound": compared(rule.bound, rule.of, unit),
    }
    for name, of in _own(rule):
        value = getattr(found, of) if of else rule.recover
        if name in ("change", "deviation", "recover"):
            words[name] = NOTHING if value is None else compared(value, rule.of, unit)
        else:
            words[name] = NOTHING if value is None or math.isinf(value) else shown(value, unit)
    return words


def compared(value: float, of: str, unit: str) -> str:
    """What is compared with a bound, or the bound, as people read it.

    >>> compared(0.4, "value", "ratio"), compared(-0.2, "relative_change", "score"), compared(-3.0, "deviation", "")
    ('40.0 %', '-20.0 %', '-3.0')
    """
    if of == "relative_change":
        return f"{100 * value:+.1f} %"
    if of == "deviation":
        return f"{value:+.1f}"
    said = shown(value, unit)
    return said if of == "value" or said.startswith("-") else f"+{said}"
