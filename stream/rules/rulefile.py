"""Alert rules from YAML: every mistake at once, each with its line and what to do. See docs/rules.md."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from yaml.nodes import MappingNode, Node

from schemas.cell import Segment
from stream.config import Config
from stream.mapping.nodes import (
    Mistakes,
    any_text,
    choice,
    compose,
    duration_ms,
    entries,
    is_null,
    items,
    suggestion,
    text,
    texts,
)
from stream.rules.conditionfile import CONDITION_KEYS, condition
from stream.rules.rule import Condition, NoData, Rule, dimensions
from stream.rules.wording import known_placeholders, placeholders

_KEYS = (
    "alert",
    *CONDITION_KEYS,
    "all",
    "where",
    "by",
    "for",
    "keep_firing_for",
    "no_data",
    "severity",
    "labels",
    "annotations",
    "link",
)
_SEVERITIES = ("info", "warning", "critical")
_NO_DATA: dict[str, NoData] = {"resolve": "resolve", "keep": "keep", "alert": "alert"}
_RESERVED = ("alertname", "severity")
"""What is matched like a label, and what Alertmanager takes for one."""
_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"


def parse(yaml: str, origin: str, config: Config) -> list[Rule]:
    """The rules of a file, which is a list under ``rules:``.

    Raises:
        MappingError: with all mistakes, as ``origin:line: what is wrong and what to do``.
    """
    mistakes = Mistakes(origin)
    top = entries(
        compose(yaml, origin, "there are no rules: give it a list under `rules:`"), "the file", mistakes, ("rules",)
    )
    rules = parse_rules(top["rules"], config, mistakes) if "rules" in top and not is_null(top["rules"]) else []
    mistakes.check()
    return rules


def parse_rules(node: Node, config: Config, mistakes: Mistakes) -> list[Rule]:
    """A list of rules; what is wrong with them is noted."""
    nodes = items(node)
    rules = [_rule(each, config, mistakes) for each in nodes]
    _check_twice(nodes, rules, mistakes)
    return rules


def _check_twice(nodes: list[Node], rules: list[Rule], mistakes: Mistakes) -> None:
    """Two rules must not have the same alert on any segment."""
    seen: dict[tuple[object, ...], list[dict[str, str]]] = {}
    for node, rule in zip(nodes, rules, strict=True):
        others = seen.setdefault((rule.alert, frozenset(dimensions(rule)), frozenset(rule.labels)), [])
        where = dict(rule.segment)
        if rule.alert and any(_meet(where, other) for other in others):
            what = "for the same segments" if rule.by else "with the same `where`"
            mistakes.add(node, f"`{rule.alert}` {what} is there twice: give one another name, or `labels`")
        others.append(where)


def _meet(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether a segment can have what both want."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _rule(node: Node, config: Config, mistakes: Mistakes) -> Rule:
    given = entries(node, "a rule", mistakes, _KEYS)
    if "alert" not in given:
        mistakes.add(node, "a rule needs `alert:`")
    first, *also = _conditions(node, given, config, mistakes)
    segment, by = _segment(node, given, config, mistakes)
    own: dict[str, Any] = {each.name: getattr(first, each.name) for each in fields(Condition) if each.name != "side"}
    rule = Rule(
        alert=_name(given["alert"], mistakes) if "alert" in given else "",
        condition=first.side,
        **own,
        segment=segment,
        for_ms=duration_ms(given["for"], "`for`", mistakes) if "for" in given else 0,
        severity=choice(given["severity"], "`severity`", mistakes, _SEVERITIES) if "severity" in given else "warning",
        annotations=_pairs(given, "annotations", mistakes, any_text),
        also=tuple(also),
        by=by,
        keep_ms=duration_ms(given["keep_firing_for"], "`keep_firing_for`", mistakes)
        if "keep_firing_for" in given
        else 0,
        no_data=_no_data(given, (first, *also), mistakes),
        labels=_labels(given, config, mistakes),
        link=_link(given, mistakes),
    )
    if "annotations" in given:
        _check_templates(given["annotations"], rule, mistakes)
    return rule


def _name(node: Node, mistakes: Mistakes) -> str:
    name = text(node, "`alert`", mistakes)
    if name and not name.strip():
        mistakes.add(node, "`alert` is empty: give the rule a name")
    return name


def _conditions(node: Node, given: dict[str, Node], config: Config, mistakes: Mistakes) -> list[Condition]:
    """The rule's own condition, or those that are joined."""
    if "all" not in given:
        return [condition(node, given, config, mistakes, "a rule")]
    for key in CONDITION_KEYS:
        if key in given:
            mistakes.add(given[key], f"`{key}` beside `all`: give it to each of the conditions in `all`")
    nodes = items(given["all"])
    if len(nodes) < 2:
        mistakes.add(given["all"], "`all` is a list of two conditions or more: write a single one without it")
    parts = [entries(each, "a condition", mistakes, CONDITION_KEYS) for each in nodes]
    return [condition(at, part, config, mistakes, "a condition") for at, part in zip(nodes, parts, strict=True)] or [
        condition(given["all"], {}, config, mistakes, "a condition")
    ]


def _segment(node: Node, given: dict[str, Node], config: Config, mistakes: Mistakes) -> tuple[Segment, tuple[str, ...]]:
    """What ``where`` fixes, and the dimensions of ``by``: together those of a configured segmentation."""
    where: dict[str, str] = {}
    if "where" in given:
        pairs = entries(given["where"], "`where`", mistakes)
        where = {key: text(value, f"`where: {key}`", mistakes) for key, value in pairs.items()}
        if not isinstance(given["where"], MappingNode):
            return (), ()
    by = texts(given["by"], "`by`", mistakes) if "by" in given else ()
    for name in by:
        if name in where or by.count(name) > 1:
            mistakes.add(given["by"], f"`{name}` is given twice in `where` and `by`: leave one out")
            return (), ()
    if not where and not by:
        return (), ()
    for names in config.segmentations:
        if set(names) == {*where, *by}:
            return tuple((name, where[name]) for name in names if name in where), tuple(n for n in names if n in by)
    known = [" + ".join(names) or "none (the total)" for names in config.segmentations]
    said = " + ".join([*where, *by])
    what = " and ".join(f"`{key}`" for key in ("where", "by") if key in given)
    verb = "have" if "and" in what else "has"
    at = given.get("where", given.get("by", node))
    mistakes.add(at, f"{what} {verb} {said}, which is not counted{suggestion(said, known)}")
    return (), ()


def _no_data(given: dict[str, Node], conditions: tuple[Condition, ...], mistakes: Mistakes) -> NoData:
    if "no_data" not in given:
        return "resolve"
    found = _NO_DATA[choice(given["no_data"], "`no_data`", mistakes, tuple(_NO_DATA))]
    if found == "alert" and any(each.of != "value" for each in conditions):
        mistakes.add(given["no_data"], "`no_data: alert` needs conditions on values, not on `change` or `deviation`")
    return found


def _labels(given: dict[str, Node], config: Config, mistakes: Mistakes) -> tuple[tuple[str, str], ...]:
    """Labels of the rule's own. One that is called like a dimension could make an alert look like another segment's."""
    taken = {name for names in config.segmentations for name in names}
    pairs = _pairs(given, "labels", mistakes, text)
    for name, _ in pairs:
        if name in taken:
            mistakes.add(given["labels"], f"`labels`: `{name}` is a dimension in the settings: give it another name")
        elif name in _RESERVED:
            mistakes.add(given["labels"], f"`labels`: `{name}` is what an alert has anyway: give it another name")
        elif not re.fullmatch(_NAME, name):
            mistakes.add(given["labels"], f"`labels`: `{name}` must consist of letters, digits and underscores")
    return pairs


def _link(given: dict[str, Node], mistakes: Mistakes) -> str:
    if "link" not in given:
        return ""
    link = text(given["link"], "`link`", mistakes)
    if link and not re.fullmatch(r"https?://\S+", link):
        mistakes.add(given["link"], f"`link` must be an address such as https://wiki/runbook, not `{link}`")
    return link


def _check_templates(node: Node, rule: Rule, mistakes: Mistakes) -> None:
    """Placeholders must be those that there is something for."""
    known = known_placeholders(rule)
    for key, value in entries(node, "`annotations`", Mistakes("")).items():
        template = any_text(value, f"`{key}`", Mistakes(""))
        if "{{" in template:
            mistakes.add(value, f"`{key}`: placeholders are written `{{value}}`, with one brace")
            continue
        for name in placeholders(template):
            if name not in known:
                mistakes.add(value, f"`{key}`: there is nothing for `{{{name}}}`{suggestion(name, known)}")


def _pairs(
    given: dict[str, Node], key: str, mistakes: Mistakes, parse: Callable[[Node, str, Mistakes], str]
) -> tuple[tuple[str, str], ...]:
    if key not in given:
        return ()
    found = entries(given[key], f"`{key}`", mistakes)
    return tuple((name, parse(value, f"`{name}`", mistakes)) for name, value in found.items())
