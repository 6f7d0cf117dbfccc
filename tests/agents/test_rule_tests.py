"""Files that test rules: what they can say, what is wrong with them, and what they tell where a rule does otherwise."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from agents.cli import app
from agents.ruletests import load_tests
from stream.config import Config
from stream.errors import ConfigError

RULES = """\
rules:
  - alert: Low
    metric: csat_satisfied_ratio
    by: [channel]
    window: 15m
    below: 0.6
    recover: 0.7
    confidence: 0.95
    min_samples: 20
    for: 1m
    keep_firing_for: 3m
    labels: {team: care}
  - {alert: Rises, metric: resolution_p90_seconds, window: 1h, change: {above: 50%}, min_samples: 10}
  - {alert: Unusual, metric: touchpoints, window: 1h, deviation: {below: -3}}
  - {alert: Both, all: [{metric: nps_score, window: 1h, below: 0, confidence: 0.9},
                        {metric: touchpoints, window: 1h, above: 100}]}
  - {alert: Silent, metric: purchases, window: 15m, below: 1, no_data: alert, for: 5m}
"""
SERIES = """
tests:
  - name: low
    series:
      - metric: csat_satisfied_ratio
        window: 15m
        where: {channel: web}
        values: 0.9x9 0.4x20 0.65x4 0.9x20
        samples: 60
      - {metric: csat_satisfied_ratio, window: 15m, where: {channel: app}, values: 0.4x60, samples: 19}
      - {metric: purchases, window: 15m, values: 5x60}
    expect:
      - {at: 9m50s, alerts: []}
      - {at: 10m30s, alerts: [{alert: Low, state: pending, labels: {channel: web, team: care}}]}
      - {at: 11m, alerts: [{alert: Low, labels: {channel: web, team: care}, value: 0.4}]}
      - {at: 36m50s, alerts: [{alert: Low, labels: {channel: web, team: care}}]}
      - {at: 39m, alerts: [{alert: Low, state: resolved, labels: {channel: web, team: care}, value: 0.9}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def differences(folder: Path, tests: str) -> list[str]:
    file = folder / "tests.yaml"
    file.write_text(tests)
    return [each.what for _, found in load_tests(file, Config()).outcomes() for each in found]


def problems(folder: Path, tests: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        differences(folder, tests)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def series(given: str, expect: str) -> str:
    """A test of the rules in the file beside it."""
    quiet = "{metric: purchases, window: 15m, values: 5x600}"
    return f"rule_files: rules.yaml\ntests: [{{series: [{given}, {quiet}], expect: [{expect}]}}]\n"


def test_an_alert_is_pending_fires_goes_on_until_it_has_recovered_and_resolves(folder: Path) -> None:
    assert differences(folder, "rule_files: rules.yaml" + SERIES) == []


def test_rules_can_stand_in_the_file_itself(folder: Path) -> None:
    assert differences(folder, RULES + SERIES) == []


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("alerts: []", "alerts: [{alert: Both}]", "Both should be firing, and is not there"),
        ("value: 0.4}", "value: 0.5}", "Low{channel=web, team=care} should have the value 0.5, and has 0.4"),
        ("state: pending", "state: firing", "Low{channel=web, team=care} should be firing, and is pending"),
        ("state: resolved", "state: firing", "Low{channel=web, team=care} should be firing, and is resolved"),
        ("alerts: [{alert: Low, labels: {channel: web, team: care}}]", "alerts: []", "fires at 0.4, and should not"),
        ("9m50s", "11m50s", "fires at 0.4, and should not"),
    ],
)
def test_what_is_otherwise_is_told(folder: Path, wrong: str, right: str, told: str) -> None:
    assert wrong in SERIES
    found = differences(folder, "rule_files: rules.yaml" + SERIES.replace(wrong, right, 1))
    assert any(each.endswith(told) for each in found)


def test_changes_are_against_what_was_before(folder: Path) -> None:
    given = '{metric: resolution_p90_seconds, window: 1h, values: "140x9 160x9", before: 100x30, samples: 50}'
    given += ", {metric: resolution_p90_seconds, window: 1h, where: {channel: web}, values: 900x20, before: 100x30}"
    assert differences(folder, series(given, "{at: 9m, alerts: []}, {at: 11m, alerts: [Rises]}")) == []


def test_deviations_are_in_spreads_from_the_usual(folder: Path) -> None:
    given = '{metric: touchpoints, window: 1h, values: "75x9 65x9", before: 100x30, spread: 10}'
    assert differences(folder, series(given, "{at: 9m, alerts: []}, {at: 11m, alerts: [Unusual]}")) == []


def test_joined_conditions_each_have_their_series_and_confidence_goes_by_the_spread(folder: Path) -> None:
    given = '{metric: nps_score, window: 1h, values: -10x60, spread: 50, samples: "10x9 1000x50"}'
    given += ', {metric: touchpoints, window: 1h, values: "50x19 200x39", before: 0x99, spread: 1}'
    looks = "{at: 9m, alerts: []}, {at: 15m, alerts: []}, {at: 21m, alerts: [Both]}"
    assert differences(folder, series(given, looks)) == []


def test_where_a_series_has_nothing_there_is_no_data(folder: Path) -> None:
    yaml = """
rule_files: rules.yaml
tests:
  - series: [{metric: purchases, window: 15m, values: 5x9 _x10 5x3}]
    expect: [{at: 14m, alerts: []}, {at: 15m, alerts: [Silent]}, {at: 21m, alerts: []}, {at: 40m, alerts: [Silent]}]
"""
    assert differences(folder, yaml) == []


EVENTS = """
rules:
  - {alert: Fails, metric: payment_failure_ratio, window: 15m, above: 0.5, min_samples: 3, by: [channel]}
settings: {segments: [[channel]], friction: {payment_failed: {times: 2}}}
tests:
  - start: 2026-03-02T10:00:00Z
    events:
      - at: 1m
        every: 30s
        times: 4
        type: purchase.failed
        customer: "c{n}"
        order: "o{n}"
        channel: web
        amount: 1
        currency: EUR
      - {at: 4m, type: purchase.failed, customer: c1, order: o1, channel: web, amount: 1, currency: EUR}
      - {at: 9m, type: purchase.completed, customer: c1, order: o1, channel: web, amount: 1, currency: EUR}
    expect:
      - {at: 90s, alerts: []}
      - {at: 3m, alerts: [{alert: Fails, labels: {channel: web}, value: 1}], friction: []}
      - {at: 5m, friction: [{signal: payment_failed, customer: c1, about: o1}]}
      - {at: 10m, friction: []}
      - {at: 1h, alerts: [{alert: Fails, labels: {channel: web}, state: resolved}]}
"""


def test_touchpoints_go_through_the_pipeline(folder: Path) -> None:
    assert differences(folder, EVENTS) == []


def test_friction_that_is_otherwise_is_told(folder: Path) -> None:
    assert differences(folder, EVENTS.replace("customer: c1, about: o1}", "customer: c2}")) == [
        "friction payment_failed of c2 should be open, and is not",
        "friction payment_failed of c1 about o1 is open, and should not be",
    ]


def test_touchpoints_may_lie_in_a_file_beside_it(folder: Path) -> None:
    line = {"type": "purchase.completed", "id": "1", "time": 1_772_445_600_000, "customer": "c", "channel": "web"}
    (folder / "e.ndjson").write_bytes(orjson.dumps(line | {"order": "o", "amount": 1, "currency": "EUR"}) + b"\n")
    yaml = """
rules: [{alert: Sold, metric: purchases, window: 5m, above: 0}]
tests: [{start: 2026-03-02T10:00:00Z, events_file: e.ndjson, expect: [{at: 1m, alerts: [Sold]}, {at: 6m, alerts: []}]}]
"""
    assert differences(folder, yaml) == []


def test_all_mistakes_are_told_at_once_with_their_lines(folder: Path) -> None:
    yaml = """\
rule_files: rules.yaml
tests:
  - name: one
    series:
      - {metric: csat_satisfied_rati, window: 15m, values: 1}
      - {metric: nps_score, window: 1h, values: 1 x}
      - {metric: fcr_ratio, window: 7h, values: 1x3, samples: 1 2}
    expect:
      - {at: soon, alerts: [Lo]}
      - {alerts: [{alert: Low, state: gone}]}
  - events:
      - {type: chat.started, customer: ann}
    expect: [{at: 1m, friction: [{signal: long_wai, customer: ann}]}]
  - {expect: []}
"""
    found = [problem.split(": ", 1) for problem in problems(folder, yaml)]
    assert [place for place, _ in found] == [f"tests.yaml:{line}" for line in (5, 6, 6, 7, 7, 9, 9, 10, 10, 12, 13, 14)]
    said = " ".join(what for _, what in found)
    for part in ("did you mean `csat_satisfied_ratio`", "`x` is none of", "needs `spread:`", "`samples` must be one"):
        assert part in said


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("amount: 1", "amount: 2026-02-31", "an event cannot be read: day is out of range for month"),
        ("amount: 1", "amount: !!money 1", "counts for nothing here"),
        ("amount: 1", "amount: 1\n        ~: 1", "what JSON can say"),
        ("amount: 1", f"amount: {'9' * 40}", "no touchpoint"),
        ("times: 4", "times: 999999999", ": `times` must be at most 1,000,000"),
        ("times: 4", "times: ٣", ": `times` must be a whole number"),
        ("at: 1m\n", "at: ٣m\n", "8: `at` must be a length of time"),
        ("{at: 10m, friction: []}", f"{{at: 10m, alerts: [{{alert: Fails, value: {'9' * 400}}}]}}", "must be a number"),
    ],
)
def test_what_would_raise_as_a_test_is_read_or_played_is_a_mistake(
    folder: Path, right: str, wrong: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        differences(folder, EVENTS.replace(right, wrong, 1))
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("written", ["9" * 400, f"1+{'9' * 308}x99", "٣", "1x٣", "_x٣"])
def test_a_series_has_numbers_that_there_are(folder: Path, written: str) -> None:
    yaml = f"""
rule_files: rules.yaml
tests: [{{series: [{{metric: purchases, window: 15m, values: "{written}"}}], expect: [{{at: 1m, alerts: []}}]}}]
"""
    with pytest.raises(ConfigError, match="is none of"):
        differences(folder, yaml)


def test_settings_in_a_file_of_tests_may_be_wrong_like_others(folder: Path) -> None:
    with pytest.raises(ConfigError, match="at least 42"):
        differences(folder, EVENTS.replace("settings: {", "settings: {windows: [15m, 40d], customer_days: 40, "))


def test_the_command_ends_with_1_where_a_test_fails_and_says_what_is_otherwise(folder: Path) -> None:
    file = folder / "tests.yaml"
    file.write_text("rule_files: rules.yaml" + SERIES)
    passed = CliRunner().invoke(app, ["rules", "test", str(file)])
    assert (passed.exit_code, passed.output) == (0, "1 tests: 1 passed, 0 failed\n")
    file.write_text("rule_files: rules.yaml" + SERIES.replace("value: 0.4}", "value: 0.5}"))
    failed = CliRunner().invoke(app, ["rules", "test", str(file)])
    assert failed.exit_code == 1
    assert (
        f"{file}:15: after 11m: Low{{channel=web, team=care}} should have the value 0.5, and has 0.4" in failed.output
    )
    as_json = CliRunner().invoke(app, ["rules", "test", "--format", "json", str(file)])
    assert [each["line"] for each in orjson.loads(as_json.output)[0]["differences"]] == [15]


def test_check_says_what_rules_look_at(folder: Path) -> None:
    found = CliRunner().invoke(app, ["rules", "check", str(folder / "rules.yaml")])
    assert found.exit_code == 0
    assert "each channel" in found.output
    assert "5 rules on 5 metrics" in found.output
    as_json = orjson.loads(
        CliRunner().invoke(app, ["rules", "check", "--format", "json", str(folder / "rules.yaml")]).output
    )
    assert [each["windows"] for each in as_json] == [["15m"], ["1h"], ["1h"], ["1h"], ["15m"]]


def test_check_tells_the_mistakes_of_all_files(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text("rules:\n  - {alert: A, metric: csat_scor, window: 1h, below: 1}\n")
    found = CliRunner().invoke(app, ["rules", "check", str(folder / "a.yaml"), str(folder / "b.yaml")])
    assert found.exit_code == 1
    assert isinstance(found.exception, ConfigError)
    assert [problem.split(": ")[0] for problem in found.exception.problems] == [
        f"{folder}/a.yaml:2",
        f"{folder}/b.yaml:2",
    ]


def test_the_example_in_the_docs_does_what_it_says(folder: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    _, rest = docs.split("## Checking and testing rules")
    example = rest.split("```yaml\n")[1].split("```")[0]
    assert differences(folder, example.replace("[rules.yaml]", "default")) == []


TWINS = """
rules:
  - {alert: Low, metric: csat_satisfied_ratio, window: 15m, below: 0.7, for: 5m, labels: {level: warn}}
  - {alert: Low, metric: csat_satisfied_ratio, window: 15m, below: 0.5, for: 5m, labels: {level: crit}}
tests:
  - name: both are pending
    series: [{metric: csat_satisfied_ratio, window: 15m, values: 0.3x20}]
    expect:
      - at: 2m
        alerts: [{alert: Low, labels: {level: warn}, state: pending},
                 {alert: Low, labels: {level: crit}, state: pending}]
"""
TWINS_OF_EVENTS = """
rules:
  - {alert: Any, metric: touchpoints, window: 5m, above: 0, for: 2m, labels: {level: warn}}
  - {alert: Any, metric: touchpoints, window: 5m, above: 1, for: 2m, labels: {level: crit}}
tests:
  - name: both are pending
    events: [{at: 1m, every: 1s, times: 5, type: chat.started, customer: "a{n}", channel: web}]
    expect:
      - at: 2m
        alerts: [{alert: Any, labels: {level: warn}, state: pending},
                 {alert: Any, labels: {level: crit}, state: pending}]
"""
OTHERS = """
settings: {segments: [[channel]]}
rules:
  - {alert: Low, metric: csat_satisfied_ratio, window: 15m, below: 0.5, by: [channel]}
  - {alert: Silent, metric: touchpoints, window: 15m, below: 1, by: [channel], no_data: alert}
  - {alert: SilentWeb, metric: touchpoints, window: 15m, below: 1, where: {channel: web}, no_data: alert}
tests:
  - name: a rule is left out where it looks at none of the series
    series: [{metric: csat_satisfied_ratio, window: 15m, where: {channel: web}, values: 0.9x20}]
    expect: [{at: 5m, alerts: []}]
"""


@pytest.mark.parametrize("yaml", [TWINS, TWINS_OF_EVENTS, OTHERS])
def test_rules_are_told_apart_by_their_labels_and_by_what_they_look_at(yaml: str, tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text(yaml)
    ((_, differences),) = load_tests(tmp_path / "tests.yaml", Config()).outcomes()
    assert differences == []


def test_a_look_so_far_off_that_it_would_not_end_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text(OTHERS.replace("at: 5m", "at: 9999999d"))
    with pytest.raises(ConfigError, match=r"tests\.yaml:10: `at` must be at most 400d"):
        load_tests(tmp_path / "tests.yaml", Config())
