"""Alert rules from YAML: every mistake at once, each with its line and what to do."""

import re

from yaml.nodes import Node

from schemas.cell import Segment
from stream.config import Config
from stream.mapping.nodes import Mistakes, choice, compose, entries, is_null, items, suggestion, text
from stream.metrics import DAYS_NEEDED, UNITS
from stream.rules import Rule
from stream.slices import UNITS_MS
from stream.windows import known_window

_KEYS = (
    "alert",
    "metric",
    "where",
    "window",
    "above",
    "below",
    "min_samples",
    "for",
    "severity",
    "annotations",
)
_SEVERITIES = ("info", "warning", "critical")


def parse(yaml: str, origin: str, config: Config) -> list[Rule]:
    """The rules of a file, which is a list under ``rules:``.

    Raises:
        MappingError: with all mistakes, as ``origin:line: what is wrong and what to do``.
    """
    mistakes = Mistakes(origin)
    top = entries(
        compose(yaml, origin, "there are no rules: give it a list under `rules:`"), "the file", mistakes, ("rules",)
    )
    nodes = items(top["rules"]) if "rules" in top and not is_null(top["rules"]) else []
    rules = [_rule(node, config, mistakes) for node in nodes]
    seen: dict[str, Node] = {}
    for node, rule in zip(nodes, rules, strict=True):
        if rule.alert and rule.fingerprint in seen:
            mistakes.add(node, f"`{rule.alert}` with the same `where` is there twice: give one another name")
        seen[rule.fingerprint] = node
    mistakes.check()
    return rules


def _rule(node: Node, config: Config, mistakes: Mistakes) -> Rule:
    given = entries(node, "a rule", mistakes, _KEYS)
    for key in ("alert", "metric", "window"):
        if key not in given:
            mistakes.add(node, f"a rule needs `{key}:`")
    conditions = [key for key in ("above", "below") if key in given]
    if len(conditions) != 1:
        mistakes.add(node, "a rule needs one of `above:` and `below:`")
    condition = conditions[0] if conditions else "above"
    _check_days(given, config, mistakes)
    return Rule(
        alert=text(given["alert"], "`alert`", mistakes) if "alert" in given else "",
        metric=choice(given["metric"], "`metric`", mistakes, tuple(UNITS)) if "metric" in given else "",
        window=choice(given["window"], "`window`", mistakes, config.windows) if "window" in given else "",
        condition="above" if condition == "above" else "below",
        bound=_number(given[condition], mistakes) if condition in given else 0.0,
        segment=_segment(given["where"], config, mistakes) if "where" in given else (),
        min_samples=_samples(given["min_samples"], mistakes) if "min_samples" in given else 1,
        for_ms=_duration_ms(given["for"], mistakes) if "for" in given else 0,
        severity=choice(given["severity"], "`severity`", mistakes, _SEVERITIES) if "severity" in given else "warning",
        annotations=_pairs(given["annotations"], mistakes) if "annotations" in given else (),
    )


def _check_days(given: dict[str, Node], config: Config, mistakes: Mistakes) -> None:
    """Distinct customers are known by whole days only."""
    metric, window = (str(given[key].value) if key in given else "" for key in ("metric", "window"))
    needed = DAYS_NEEDED.get(metric, 0)
    if not needed or window not in config.windows:
        return
    fit = [name for name in config.windows if known_window(name).by_day and (needed < 2 or name != "day")]
    if window not in fit:
        choose = f"choose a window from {', '.join(fit)}" if fit else "no window of the settings has them"
        mistakes.add(given["window"], f"`{metric}` is known by whole days: {choose}")


def _segment(node: Node, config: Config, mistakes: Mistakes) -> Segment:
    """The segment that ``where`` names: its dimensions must be those of a configured segmentation."""
    given = {key: text(value, f"`where: {key}`", mistakes) for key, value in entries(node, "`where`", mistakes).items()}
    for names in config.segmentations:
        if set(names) == set(given):
            return tuple((name, given[name]) for name in names)
    known = [" + ".join(names) or "none (the total)" for names in config.segmentations]
    mistakes.add(node, f"`where` has {' + '.join(given)}, which is not counted{suggestion(' + '.join(given), known)}")
    return ()


def _pairs(node: Node, mistakes: Mistakes) -> tuple[tuple[str, str], ...]:
    given = entries(node, "`annotations`", mistakes)
    return tuple((key, text(value, f"`{key}`", mistakes)) for key, value in given.items())


def _samples(node: Node, mistakes: Mistakes) -> int:
    number = text(node, "`min_samples`", mistakes)
    if number.isdecimal() and len(number) < 10 and int(number) > 0:
        return int(number)
    if number:
        mistakes.add(node, "`min_samples` must be a whole number, 1 or more")
    return 1


def _number(node: Node, mistakes: Mistakes) -> float:
    written = text(node, "the bound", mistakes)
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", written):
        return float(written)
    if written:
        mistakes.add(node, f"the bound must be a number, not `{written}`")
    return 0.0


def _duration_ms(node: Node, mistakes: Mistakes) -> int:
    written = text(node, "`for`", mistakes)
    match = re.fullmatch(r"(\d{1,6})(s|m|h|d)", written)
    if match:
        return int(match[1]) * UNITS_MS[match[2]]
    mistakes.add(node, f"`for` must be a duration such as 30s, 5m, 2h or 1d, not `{written}`")
    return 0
