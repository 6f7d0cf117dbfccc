"""The rules that workers start with: all metrics thought of, all rules tested, each with words."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from agents.ruletests import RuleTests, load_tests
from agents.settings import DEFAULT_RULES, load_config
from stream.metrics import UNITS
from stream.rules.rule import Rule
from stream.rules.rulefile import parse
from stream.trials.trial import Expected
from tests.bench.detection import NAIVE, unguarded

ROOT = Path(__file__).parents[2]
CONFIG = load_config()
RULES = parse(DEFAULT_RULES.read_text(), str(DEFAULT_RULES), CONFIG)
FILES = [load_tests(file, CONFIG) for file in sorted((DEFAULT_RULES.parent / "tests").glob("*.yaml"))]
by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
by_file = pytest.mark.parametrize("tests", FILES, ids=lambda tests: tests.file.stem)


def expectations(rule: Rule) -> list[Expected]:
    looks = [look for tests in FILES for trial in tests.trials for look in trial.looks]
    return [each for look in looks for each in look.alerts or () if each.alert == rule.alert]


def failing(tests: RuleTests) -> set[str]:
    return {trial.name for trial, differences in tests.outcomes() if differences}


def test_each_metric_is_watched_by_a_rule_or_listed_with_the_reason_why_not() -> None:
    unwatched = yaml.safe_load((DEFAULT_RULES.parent / "unwatched.yaml").read_text())
    listed = [metric for metrics in unwatched.values() for metric in metrics]
    watched = {each.metric for rule in RULES for each in rule.conditions}
    assert len(set(listed)) == len(listed)
    assert not set(listed) & watched
    assert set(listed) | watched == set(UNITS)


@by_file
def test_they_fire_on_what_is_bad_and_only_then_and_resolve(tests: RuleTests) -> None:
    assert [differences for _, differences in tests.outcomes() if differences] == []


@by_rule
def test_each_is_tested_to_fire_to_resolve_and_to_be_silent_on_a_few(rule: Rule) -> None:
    assert {each.state for each in expectations(rule)} >= {"firing", "resolved"}
    names = [trial.name for tests in FILES for trial in tests.trials]
    assert f"{rule.alert} says nothing of a few" in names


@by_file
def test_without_its_guards_each_fails_its_test_on_a_few(tests: RuleTests) -> None:
    bare = [replace(unguarded(rule), alert=rule.alert) for rule in RULES]
    assert {rule.alert.removeprefix(NAIVE) for rule in bare} == {rule.alert for rule in RULES}
    failed = failing(replace(tests, rules=tuple(bare)))
    few = {trial.name for trial in tests.trials if trial.name.endswith("says nothing of a few")}
    least = {f"{rule.alert} says nothing of a few" for rule in RULES if rule.min_samples == 1}
    assert failed >= few - least


@by_file
def test_without_rules_every_test_that_wants_an_alert_fails(tests: RuleTests) -> None:
    wanting = {trial.name for trial in tests.trials if any(look.alerts for look in trial.looks)}
    assert failing(replace(tests, rules=())) == wanting


@by_rule
def test_each_says_in_words_what_it_is_about_and_where_to_read_on(rule: Rule) -> None:
    words = dict(rule.annotations)
    assert "{value}" in words["summary"]
    file, anchor = words["docs"].split("#")
    assert re.search(rf"^## {anchor}$", (ROOT / file).read_text(), re.MULTILINE)


@by_rule
def test_each_has_guards_against_coming_and_going(rule: Rule) -> None:
    assert rule.for_ms
    assert rule.keep_ms
    assert rule.conditions[0].recover is not None
    assert rule.severity in ("warning", "critical")


def test_they_need_no_segments_but_those_by_channel() -> None:
    assert {name for rule in RULES for name in (*rule.by, *dict(rule.segment))} == {"channel"}
