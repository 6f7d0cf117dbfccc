"""Rules for Prometheus: its own tool accepts them; every alert is tested with it, and has a page on what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.prometheus import promtool

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES, TESTS = (sorted((PROMETHEUS / name).glob("*.yml")) for name in ("rules", "tests"))


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """Every rule of that kind (``alert`` or ``record``) by its name."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def cases(kind: str) -> list[dict[str, Any]]:
    """Every test of that kind (``alert_rule_test`` or ``promql_expr_test``)."""
    tests = [test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]]
    return [case for test in tests for case in test.get(kind, ())]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_promtool_accepts_the_rules(path: Path) -> None:
    code, said = promtool("check", "rules", path)
    assert code == 0, said
    assert "SUCCESS" in said


def test_promtool_accepts_the_configuration_and_finds_the_rules() -> None:
    code, said = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert code == 0, said
    assert f"{len(RULES)} rule files found" in said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_promtool_passes_the_tests_of_the_rules(path: Path) -> None:
    code, said = promtool("test", "rules", path)
    assert code == 0, said


@pytest.mark.parametrize("name", rules("alert"))
def test_every_alert_is_tested_to_fire_and_to_keep_quiet(name: str) -> None:
    fires = {bool(case["exp_alerts"]) for case in cases("alert_rule_test") if case["alertname"] == name}
    assert fires == {True, False}


@pytest.mark.parametrize("name", rules("alert"))
def test_every_alert_says_how_bad_it_is_and_has_a_runbook(name: str) -> None:
    rule = rules("alert")[name]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    page = ROOT / rule["annotations"]["runbook_url"]
    text = page.read_text()
    assert name in text.splitlines()[0]
    assert all(f"**{part}**" in text for part in ("What it means.", "What to look at.", "What to do."))
    assert re.search(rf"{name}.*\({page.name}\)", (page.parent / "README.md").read_text())


def test_no_runbook_is_without_an_alert() -> None:
    pages = {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README.md"}
    assert pages == {Path(rule["annotations"]["runbook_url"]).name for rule in rules("alert").values()}
