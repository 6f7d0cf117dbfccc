"""Settings come from a file, the environment and the command line, in order of weight; mistakes come all at once."""

from pathlib import Path

import pytest

from agents.settings import load
from stream.errors import ConfigError
from stream.slices import DAY_MS


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
