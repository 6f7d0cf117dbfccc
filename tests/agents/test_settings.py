"""Settings come from a file, the environment and the command line, in order of weight; mistakes come all at once."""

from datetime import date
from pathlib import Path

import pytest

from agents.settings import load
from stream.config import TARGETS_MS
from stream.errors import ConfigError
from stream.slices import DAY_MS, MINUTE_MS


def written(folder: Path, yaml: str) -> Path:
    file = folder / "cxstream.yaml"
    file.write_text(yaml)
    return file


def test_without_anything_there_are_defaults_and_rules() -> None:
    settings = load(environment={})
    assert settings.bootstrap == "127.0.0.1:9092"
    assert {rule.severity for rule in settings.rules} <= {"info", "warning", "critical"}
    assert len(settings.rules) > 3


def test_the_environment_outweighs_the_file_and_what_is_given_outweighs_both(tmp_path: Path) -> None:
    file = written(tmp_path, "id: file\nprefix: file.\npartitions: 2\n")
    settings = load(file, {"CXSTREAM_ID": "environment", "CXSTREAM_PREFIX": "environment."}, prefix="given.", port=None)
    assert (settings.id, settings.prefix, settings.partitions, settings.port) == ("environment", "given.", 2, 6066)
    assert settings.topic("cells") == "given.cells"
    assert settings.changelog("windows") == "environment-windows-changelog"


def test_the_total_is_always_counted(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "segments: [[channel, region], channel]\n"), {})
    assert settings.config.segmentations == ((), ("channel", "region"), ("channel",))
    assert settings.config.dimensions == ("channel", "region")


def test_days_that_state_is_kept_for_are_given_by_kind(tmp_path: Path) -> None:
    config = load(written(tmp_path, "ticket_days: 90\nanswer_days: 33\n"), {}).config
    assert [config.kept(what) // DAY_MS for what in ("customer", "ticket", "answer")] == [802, 90, 33]


def test_targets_that_are_not_given_stay_as_they_are(tmp_path: Path) -> None:
    targets = load(
        written(tmp_path, "targets: {wait: {urgent: 10}, resolution: {low: 100, high: 5}}\n"), {}
    ).config.targets
    assert targets["wait"] == {"urgent": 10_000, "high": 60_000, "normal": 120_000, "low": 300_000}
    assert targets["first_reply"] == TARGETS_MS["first_reply"]
    assert targets["resolution"] == {
        **TARGETS_MS["resolution"],
        "low": 100 * MINUTE_MS,
        "high": 5 * MINUTE_MS,
    }


def test_business_hours_are_given_by_weekday(tmp_path: Path) -> None:
    yaml = """
business_hours:
  monday: ["13:00-17:30", "09:00-12:00"]
  sunday: 00:00-24:00
  friday: []
holidays: [2026-12-25, 2026-12-26]
confirm_days: 3
"""
    config = load(written(tmp_path, yaml), {}).config
    assert config.business_week == (((540, 720), (780, 1_050)), (), (), (), (), (), ((0, 1_440),))
    assert config.holidays == {date(2026, 12, 25), date(2026, 12, 26)}
    assert config.confirm_ms == 3 * DAY_MS


def test_mistakes_in_business_hours_and_targets_come_all_at_once(tmp_path: Path) -> None:
    yaml = """
business_hours: {monday: [9-17, "09:00-08:00"], moonday: ["09:00-17:00"], friday: ["09:00-12:00", "11:00-13:00"]}
holidays: [christmas]
targets: {wait: {urgent: soon}, reply: {high: 1}, resolution: {highest: 1, low: 0}}
confirm_days: 0
"""
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, yaml), {})
    words = [
        "`9-17`",
        "`09:00-08:00`",
        "11:00-13:00 is in part",
        "did you mean `monday`",
        "2026-12-25",
        "whole number",
        "did you mean `first_reply`",
        "`high`",
        "`low` must be at least 1",
        "`confirm_days` must be at least 1",
    ]
    assert len(error.value.problems) == len(words)
    assert all(any(word in problem for problem in error.value.problems) for word in words)


def test_rules_lie_beside_the_settings(tmp_path: Path) -> None:
    rule = "rules:\n  - {alert: A, metric: nps_score, window: 1h, below: 0, where: {channel: web}}\n"
    (tmp_path / "mine.yaml").write_text(rule)
    (settings_rule,) = load(written(tmp_path, "rules: mine.yaml\n"), {}).rules
    assert (settings_rule.alert, settings_rule.segment) == ("A", (("channel", "web"),))


@pytest.mark.parametrize(
    ("yaml", "word"),
    [
        ("segments: [[customer]]", "customer"),
        ("segments: [[channel, channel]]", "twice"),
        ("segments: {channel: web}", "list"),
        ("windows: [2x]", "2x"),
        ("time_zone: Mars/Olympus", "Mars/Olympus"),
        ("partitions: 0", "at least 1"),
        ("port: many", "whole number"),
        ("customer_days: 32", "at least 33"),
        ("stages: six", "cannot be `six`"),
        ("{customer_days: 40, lapse_days: 40}", "less than the 40 for which a customer is kept"),
        ("{ticket_days: 40, confirm_days: 40}", "less than the 40 days for which a ticket is kept (`ticket_days`)"),
        ("{topic_days: 33, confirm_days: 33}", "less than the 33 days for which a topic is kept"),
        (
            "targets: {resolution: {low: 1154880}}",
            "`targets` must be less than the 802 days for which a ticket is kept",
        ),
        ("holidays: [2026-12-25]", "give `business_hours` too"),
        ("business_hours: {monday: []}", "no hours at all"),
        ("signals: {visit.ap: use}", "did you mean `visit.app`"),
        ("signals: {visit.app: usage}", "did you mean `use`"),
        ("{windows: [1h, 90d], ticket_days: 91}", "`ticket_days` must be at least 92, as there is a window of `90d`"),
        ("store: disk", "disk"),
        ("colour: red", "colour"),
        ("", "no settings"),
        ("- a", "mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, yaml: str, word: str) -> None:
    file = written(tmp_path, yaml)
    with pytest.raises(ConfigError) as error:
        load(file, {})
    (problem,) = error.value.problems
    assert problem.startswith(f"{file}:1: ")
    assert word in problem


def test_mistakes_of_the_environment_come_all_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        load(environment={"CXSTREAM_PORT": "many", "CXSTREAM_STORE": "disk"})
    assert [problem.split(":")[0] for problem in error.value.problems] == ["CXSTREAM_PORT", "CXSTREAM_STORE"]
