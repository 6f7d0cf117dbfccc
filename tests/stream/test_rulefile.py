"""Rule files: all mistakes at once, each with its line."""

import pytest

from stream.config import Config
from stream.errors import ConfigError
from stream.mapping.problems import MappingError
from stream.rulefile import parse
from stream.rules import Rule

CONFIG = Config(segmentations=((), ("channel",), ("channel", "region")), windows=("5m", "1h", "day"))
ONE = """\
rules:
  - alert: LowCsat
    metric: csat_score
    window: 1h
    below: 7
"""


def problems(yaml: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        parse(yaml, "rules.yaml", CONFIG)
    assert isinstance(caught.value, ConfigError)
    return caught.value.problems


def test_the_shortest_rule_has_defaults() -> None:
    assert parse(ONE, "rules.yaml", CONFIG) == [Rule("LowCsat", "csat_score", "1h", "below", 7.0)]


def test_a_rule_with_everything() -> None:
    yaml = """
rules:
  - alert: Hard
    metric: ces_hard_ratio
    where: {region: eu, channel: web}
    window: 5m
    above: 0.4
    min_samples: 20
    for: 90s
    severity: critical
    annotations: {summary: Too hard, runbook: "7"}
"""
    expected = Rule(
        alert="Hard",
        metric="ces_hard_ratio",
        window="5m",
        condition="above",
        bound=0.4,
        segment=(("channel", "web"), ("region", "eu")),
        min_samples=20,
        for_ms=90_000,
        severity="critical",
        annotations=(("summary", "Too hard"), ("runbook", "7")),
    )
    assert parse(yaml, "rules.yaml", CONFIG) == [expected]


@pytest.mark.parametrize(
    ("written", "ms"), [("0s", 0), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)]
)
def test_durations_have_units(written: str, ms: int) -> None:
    assert parse(f"{ONE}    for: {written}\n", "rules.yaml", CONFIG)[0].for_ms == ms


@pytest.mark.parametrize(("written", "bound"), [("7", 7.0), ("-12.5", -12.5), ("+3", 3.0), ('"0.25"', 0.25)])
def test_bounds_are_numbers(written: str, bound: float) -> None:
    assert parse(ONE.replace("below: 7", f"below: {written}"), "rules.yaml", CONFIG)[0].bound == bound


@pytest.mark.parametrize(
    ("line", "written", "hint"),
    [
        ("    metric: csat_score", "    metric: csat_scor", "`csat_score`"),
        ("    window: 1h", "    window: 30d", "5m"),
        ("    below: 7", "    below: seven", "number"),
        ("    below: 7", "    below: .inf", "number"),
        ("    below: 7", "    below: nan", "number"),
        ("    below: 7", "    below: 7\n    for: 5 minutes", "duration"),
        ("    below: 7", "    below: 7\n    for: -5s", "duration"),
        ("    below: 7", "    below: 7\n    severity: bad", "warning"),
        ("    below: 7", "    below: 7\n    min_samples: -1", "whole number"),
        ("    below: 7", "    below: 7\n    min_samples: 2.5", "whole number"),
        ("    below: 7", "    below: 7\n    threshold: 5", "unknown key"),
        ("    below: 7", "    below: 7\n    where: {channnel: web}", "not counted"),
        ("    below: 7", "    below: 7\n    where: {region: eu}", "not counted"),
        ("    below: 7", "    below: 7\n    where: web", "mapping"),
        ("    below: 7", "    below: 7\n    annotations: [a]", "mapping"),
        ("    below: 7", "    below: 7\n    below: 8", "twice"),
        pytest.param(
            *("    below: 7", "    below: [7]", "one value"),
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(line: str, written: str, hint: str) -> None:
    yaml = ONE.replace(line, written)
    number = 1 + yaml.splitlines().index(written.split("\n")[-1])
    found = problems(yaml)
    assert len(found) == 1
    assert found[0].startswith(f"rules.yaml:{number}: ")
    assert hint in found[0]


def test_all_mistakes_are_told_at_once_by_line() -> None:
    yaml = """\
rules:
  - alert: A
    metric: nonsense
    window: 2h
    below: x
  - metric: csat_score
    window: 1h
  - alert: C
    metric: csat_score
    window: 1h
    above: 1
    below: 2
    for: soon
    color: red
"""
    found = problems(yaml)
    assert [int(problem.split(":")[1]) for problem in found] == [3, 4, 5, 6, 6, 8, 13, 14]
    assert all(problem.startswith("rules.yaml:") for problem in found)


def test_two_rules_of_one_identity_are_a_mistake() -> None:
    second = ONE.split("\n", 1)[1].replace("below: 7", "above: 9")
    found = problems(ONE + second)
    assert len(found) == 1
    assert found[0].startswith("rules.yaml:6: ")
    assert "LowCsat" in found[0]


def test_the_same_alert_on_another_segment_is_no_mistake() -> None:
    second = ONE.split("\n", 1)[1] + "    where: {channel: web}\n"
    assert len({rule.fingerprint for rule in parse(ONE + second, "rules.yaml", CONFIG)}) == 2


@pytest.mark.parametrize("yaml", ["rules: []\n", "rules:\n"])
def test_a_file_may_have_no_rules_yet(yaml: str) -> None:
    assert parse(yaml, "rules.yaml", CONFIG) == []


@pytest.mark.parametrize("yaml", ["", "# nothing\n", "rules: [", "rules: &a [*a]", "- alert: A", "ruls: []"])
def test_a_file_that_is_no_rule_file_is_told_so(yaml: str) -> None:
    assert problems(yaml)


def test_an_empty_rule_file_is_told_what_a_rule_file_needs() -> None:
    assert "rules:" in problems("")[0]


def test_a_missing_name_is_one_mistake() -> None:
    nameless = "  - metric: csat_score\n    window: 1h\n    below: 7\n"
    assert len(problems(f"rules:\n{nameless}{nameless}")) == 2


def test_a_minimum_of_no_samples_is_a_mistake() -> None:
    assert problems(f"{ONE}    min_samples: 0\n")


@pytest.mark.parametrize("metric", ["active_customers", "stickiness_ratio"])
def test_a_metric_that_needs_days_is_refused_over_hours(metric: str) -> None:
    assert problems(ONE.replace("csat_score", metric))


def test_stickiness_is_refused_over_a_single_day() -> None:
    assert problems(ONE.replace("csat_score", "stickiness_ratio").replace("1h", "day"))
