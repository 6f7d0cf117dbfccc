"""Settings come from a file, the environment and the command line, in order of weight; mistakes come all at once."""

import re
from datetime import date
from pathlib import Path

import pytest

from agents.settings import Settings, load
from agents.topicnames import looped
from agents.topics import topics
from stream.config import TARGETS_MS
from stream.errors import ConfigError
from stream.personas import FirstSeen, Inactive, Nps, Persona, Within
from stream.rules.intervals import has_interval
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


def test_personas_are_read_in_their_order(tmp_path: Path) -> None:
    yaml = """
segments: [[channel], [persona], [persona, channel]]
personas:
  - {name: at_risk, when: {inactive_days: 30}}
  - {name: vip, when: {revenue: {currency: EUR, at_least: 50000, days: 365}, nps: promoter}}
  - {name: loyal, when: {purchases: [{at_least: 3, days: 90}, {at_least: 1, days: 14}]}}
  - {name: new, when: {first_seen_days: {at_most: 7}, tickets_opened: {below: 1, days: 7}}}
  - {name: regular, when: {active_days: {at_least: 4, days: 28}}}
  - name: other
"""
    config = load(written(tmp_path, yaml), {}).config
    assert config.personal == (("persona",), ("persona", "channel"))
    assert config.personas == (
        Persona("at_risk", (Inactive(30),)),
        Persona("vip", (Within("revenue.EUR", 365, at_least=50_000), Nps("promoter"))),
        Persona("loyal", (Within("purchases", 90, at_least=3), Within("purchases", 14, at_least=1))),
        Persona("new", (FirstSeen(at_most=7), Within("tickets", 7, below=1))),
        Persona("regular", (Within("active", 28, at_least=4),)),
        Persona("other"),
    )


def test_all_mistakes_in_personas_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    lines = (
        "{name: a, when: {revenue: {currency: EUR, days: 0}}}",
        "{nam: b, when: {nps: passive}}",
        "{name: c, when: 3}",
    )
    yaml = "".join(["personas:\n", *(f"  - {line}\n" for line in lines)])
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, yaml), {})
    assert [problem.split(":")[1] for problem in error.value.problems] == ["2", "2", "3", "3", "4"]


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
        ("personas: vip", "must be a list with lines such as `- {name: at_risk, when: {inactive_days: 30}}`"),
        ("personas: [{when: {inactive_days: 3}}]", "needs `name:`"),
        ("personas: [{name: a, when: {}}]", "`when` has no conditions"),
        ("personas: [{name: a}, {name: b}]", "never reached"),
        ("personas: [{name: a, when: {inactive: 3}}]", "did you mean `inactive_days`?"),
        ("personas: [{name: a, when: {inactive_days: 0}}]", "`inactive_days` must be at least 1"),
        ("personas: [{name: a, when: {inactive_days: 802}}]", "`a` looks back 802 days; a customer is kept for 802"),
        ("personas: [{name: a, when: {purchases: {days: 3}}}]", "`purchases` needs `at_least:` or `below:`"),
        ("personas: [{name: a, when: {purchases: {at_least: 3}}}]", "`purchases` needs `days:`"),
        ("personas: [{name: a, when: {tickets_opened: {at_least: 3, below: 3, days: 1}}}]", "at least 3 and below 3"),
        ("personas: [{name: a, when: {active_days: {at_least: 8, days: 7}}}]", "on 8 days within 7"),
        ("personas: [{name: a, when: {revenue: {at_least: 8, days: 7}}}]", "`revenue` needs `currency:`"),
        ("personas: [{name: a, when: {revenue: {currency: euro, below: 8, days: 7}}}]", "three capitals such as EUR"),
        ("personas: [{name: a, when: {first_seen_days: {}}}]", "needs `at_least:` or `at_most:`"),
        ("personas: [{name: a, when: {first_seen_days: {at_least: 2, at_most: 1}}}]", "at least 2 and at most 1"),
        ("personas: [{name: a, when: {nps: promotor}}]", "did you mean `promoter`?"),
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
        ("bootstrap: a..b:9092", "`a..b:9092` is not an address"),
        (f"bootstrap: 'a:1,{'x' * 64}.example:9092'", "is not an address"),
        ('id: ""', "`id` cannot be ``"),
        ("id: ..", "`id` cannot be `..`"),
        ("id: ../../x y", "`id` cannot be `../../x y`"),
        (f"id: {'x' * 230}", "1 to 229 of"),
        ("prefix: bad name!", "`prefix` cannot be `bad name!`"),
        (f"prefix: {'x' * 239}", "1 to 238 of"),
        ("touchpoints: a/b", "`touchpoints` cannot be `a/b`"),
        ("sources: [a, '']", "`sources` cannot be ``"),
        ("sources: [a, .]", "`sources` cannot be `.`"),
        (f"sources: [{'x' * 250}]", "1 to 249 of"),
        ('data_dir: ""', "`data_dir` must not be empty"),
        ('host: " "', "`host` must not be empty"),
        ('rules: ""', "`rules` must not be empty"),
        ("rules: [a]", "`rules` must be one value"),
        ('rules: "a\\0b"', "`rules` has a character that cannot be printed: 'a\\x00b'"),
        ('{security_protocol: SSL, ssl_ca_file: ""}', "`ssl_ca_file` must not be empty"),
        ('{security_protocol: SSL, ssl_ca_file: "a\\0b"}', "`ssl_ca_file` has a character that cannot be printed"),
        ("!!python/object:os.system {}", "the tag '!!python/object:os.system' counts for nothing"),
        ("id: !mine a", "the tag '!mine' counts for nothing"),
        ("touchpoints: cells", "`touchpoints` cannot be `cells`: the application writes it itself"),
        *((f"sources: [chat, {name}]", f"`sources` cannot be `{name}`") for name in ("touchpoints", "rejected")),
        ("{id: cx, sources: [cx-windows-changelog]}", "`sources` cannot be `cx-windows-changelog`"),
        ("{prefix: eu., sources: eu.cells}", "`sources` cannot be `eu.cells`"),
        ("{touchpoints: blue, sources: [blue]}", "`sources` cannot be `blue`"),
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


def test_topics_of_others_are_sources_whatever_they_are_called(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "prefix: eu.\nsources: [touchpoints, cells, us.cells]\n"), {})
    assert settings.sources == ("touchpoints", "cells", "us.cells")


def test_every_topic_that_an_application_writes_is_refused_as_its_source() -> None:
    settings = Settings(id="cx", prefix="eu.")
    for topic in topics(settings):
        assert list(looped("cx", "eu.", "", [topic.name])) == [("sources", topic.name, 0)]


def test_a_source_that_is_a_loop_is_named_with_its_own_line_or_its_variable(tmp_path: Path) -> None:
    file = written(tmp_path, "sources:\n- chat\n- eu.cells\n")
    for given, place in (({}, f"{file}:3: "), ({"CXSTREAM_SOURCES": "chat, eu.alerts"}, "CXSTREAM_SOURCES: ")):
        with pytest.raises(ConfigError) as error:
            load(file, {"CXSTREAM_PREFIX": "eu.", **given})
        (problem,) = error.value.problems
        assert problem.startswith(place)
        assert "would feed itself" in problem


def test_names_in_the_environment_are_looked_at_too() -> None:
    environment = {"CXSTREAM_ID": "a b", "CXSTREAM_SOURCES": " , ", "CXSTREAM_DATA_DIR": " ", "CXSTREAM_RULES": " "}
    with pytest.raises(ConfigError) as error:
        load(environment=environment)
    assert sorted(problem.split(":")[0] for problem in error.value.problems) == sorted(environment)


def test_mistakes_of_all_kinds_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules: [{alert: A}]\n")
    file = written(tmp_path, "partitions: x\ncustomer_days: y\nfriction: {foo: 1}\nrules: rules.yaml\nid: a b\n")
    with pytest.raises(ConfigError) as error:
        load(file, {"CXSTREAM_RULES": "nothere.yaml"}, bootstrap="nowhere", port=70_000)
    places = [problem.removeprefix(f"{file}:").split(": ")[0] for problem in error.value.problems]
    assert places == ["1", "2", "3", "5", "--bootstrap", "--port", "nothere.yaml"]


def test_rules_are_looked_at_whatever_is_wrong_with_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n- {alrt: A}\n")
    file = written(tmp_path, "partitions: x\nrules: rules.yaml\nlapse_days: 40\ncustomer_days: 50\n")
    with pytest.raises(ConfigError) as error:
        load(file, {})
    problems = error.value.problems
    assert problems[0].startswith(f"{file}:1: ")
    assert problems[1].startswith(f"{tmp_path}/rules.yaml:2: ")


def test_what_does_not_go_together_is_said_beside_other_mistakes(tmp_path: Path) -> None:
    file = written(tmp_path, "partitions: x\nlapse_days: 40\ncustomer_days: 40\n")
    with pytest.raises(ConfigError) as error:
        load(file, {})
    assert [problem.removeprefix(f"{file}:").split(":")[0] for problem in error.value.problems] == ["1", "2"]


def test_a_file_that_cannot_be_read_does_not_hide_mistakes_of_the_environment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path / "none.yaml", {"CXSTREAM_PORT": "many"})
    assert [problem.split(": ")[0] for problem in error.value.problems] == [f"{tmp_path}/none.yaml", "CXSTREAM_PORT"]


def test_a_bad_address_of_the_environment_is_said_once() -> None:
    with pytest.raises(ConfigError) as error:
        load(environment={"CXSTREAM_BOOTSTRAP": "a..b:9092"}, bootstrap="a..b:9092")
    (problem,) = error.value.problems
    assert problem.startswith("CXSTREAM_BOOTSTRAP: `a..b:9092` is not an address")


def test_mistakes_of_the_environment_come_all_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        load(environment={"CXSTREAM_PORT": "many", "CXSTREAM_STORE": "disk"})
    assert [problem.split(":")[0] for problem in error.value.problems] == ["CXSTREAM_PORT", "CXSTREAM_STORE"]


def test_each_setting_of_where_it_runs_is_a_variable_too(tmp_path: Path) -> None:
    settings = load(
        environment={
            "CXSTREAM_REPLICATION": "3",
            "CXSTREAM_STANDBY_REPLICAS": "1",
            "CXSTREAM_SOURCES": "chat, mail",
            "CXSTREAM_LOG_FORMAT": "json",
            "CXSTREAM_PREFIX": "",
        }
    )
    assert (settings.replication, settings.standby_replicas, settings.log_format) == (3, 1, "json")
    assert (settings.sources, settings.prefix) == (("chat", "mail"), "")


def test_mistakes_of_file_and_environment_come_together(tmp_path: Path) -> None:
    file = written(tmp_path, "partitions: none\nwindows: [2x]\nsecurity_protocol: SASL_SSL\n")
    with pytest.raises(ConfigError) as error:
        load(
            file, {"CXSTREAM_PORT": "70000", "CXSTREAM_SSL_CA_FILE": f"{tmp_path}/none", "CXSTREAM_LOG_FROMAT": "json"}
        )
    places = [problem.removeprefix(f"{file}:").split(": ")[0] for problem in error.value.problems]
    assert places == ["1", "2", "CXSTREAM_LOG_FROMAT", "CXSTREAM_PORT", "CXSTREAM_SSL_CA_FILE", "3", "3"]
    assert "did you mean CXSTREAM_LOG_FORMAT?" in str(error.value)


def test_what_others_put_into_the_environment_is_left_alone() -> None:
    load(environment={"CXSTREAM_WORKER_SERVICE_HOST": "10.0.0.1", "CXSTREAM_SERVICE_PORT": "tcp://10.0.0.1:80"})


def test_rules_of_the_environment_lie_where_it_says_and_those_of_a_file_beside_it(tmp_path: Path) -> None:
    rule = "rules:\n  - {alert: A, metric: nps_score, window: 1h, below: 0}\n"
    (tmp_path / "own.yaml").write_text(rule)
    file = written(tmp_path, "rules: none.yaml\n")
    settings = load(file, {"CXSTREAM_RULES": str(tmp_path / "own.yaml")})
    assert [each.alert for each in settings.rules] == ["A"]


def test_the_rules_that_docs_show_and_those_there_are_from_the_start_are_right(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    example, *_ = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    (tmp_path / "rules.yaml").write_text(example)
    file = written(tmp_path, "segments: [[channel], [channel, region]]\nrules: rules.yaml\n")
    (rule,) = load(file, {}).rules
    assert (rule.by, rule.segment) == (("channel",), (("region", "eu"),))
    sure = [each.confidence is not None or not has_interval(each.metric) for each in load(environment={}).rules]
    assert sure == [True] * len(sure)
