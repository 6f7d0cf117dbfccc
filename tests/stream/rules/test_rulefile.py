"""Rule files: all mistakes at once, each with its line."""

import pytest

from stream.config import Config
from stream.errors import ConfigError
from stream.mapping.problems import MappingError
from stream.rules.rule import Condition, Rule
from stream.rules.rulefile import parse

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
        ("    below: 7", "    below: 7\n    recover: 6.9", "calm side"),
        ("    below: 7", "    below: 7\n    recover: 80%", "number"),
        ("    below: 7", "    below: 7\n    confidence: 95", "share from 0.5"),
        ("    below: 7", "    below: 7\n    confidence: 0.3", "share from 0.5"),
        ("    below: 7", "    below: 7\n    confidence: high", "share from 0.5"),
        ("    below: 7", "    below: 7\n    keep_firing_for: long", "duration"),
        ("    below: 7", "    below: 7\n    no_data: ignore", "resolve"),
        ("    below: 7", "    below: 7\n    by: [product]", "not counted"),
        ("    below: 7", "    below: 7\n    by: [channel, channel]", "twice"),
        ("    below: 7", "    below: 7\n    labels: {my-team: shop}", "letters"),
        ("    below: 7", "    below: 7\n    labels: shop", "mapping"),
        ("    below: 7", "    below: 7\n    link: wiki", "https://"),
        ("    below: 7", "    below: 7\n    annotations: {summary: 'only {valeu}'}", "did you mean `value`"),
        ("    below: 7", "    below: 7\n    annotations: {summary: 'on {channel}'}", "nothing for `{channel}`"),
        ("    below: 7", "    below: 7\n    annotations: {summary: 'from {low}'}", "nothing for `{low}`"),
        ("    below: 7", "    below: 7\n    annotations: {summary: '{{ $value }}'}", "one brace"),
        ("    below: 7", "    change: {below: -20 %}", "percentage"),
        ("    below: 7", "    deviation: {above: 3%}", "number"),
        ("    below: 7", "    deviation: {above: 3, weeks: 1}", "from 2 to 52"),
        ("    below: 7", "    change: {below: -20%}\n    recover: -0.1", "both with `%`"),
        ("    below: 7", "    change: {below: -20%}\n    recover: -30%", "calm side"),
        ("    below: 7", "    change: {below: -20%}\n    confidence: 0.9", "cannot be given for a `change`"),
        ("    below: 7", "    deviation: {below: -3}\n    confidence: 0.9", "cannot be given for a `deviation`"),
        ("    below: 7", "    change: {below: -20%}\n    no_data: alert", "needs conditions on values"),
        ("    below: 7", "    below: 7\n    weeks: 4", "unknown key"),
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


def one(lines: str, yaml: str = ONE) -> Rule:
    (rule,) = parse(
        yaml.replace("    below: 7\n", "".join(f"    {line}\n" for line in lines.split("\n"))), "r.yaml", CONFIG
    )
    return rule


def test_guards_of_a_rule() -> None:
    found = one("below: 7\nrecover: 7.5\nconfidence: 95%\nkeep_firing_for: 10m\nno_data: keep")
    expected = Rule(
        "LowCsat", "csat_score", "1h", "below", 7.0, recover=7.5, confidence=0.95, keep_ms=600_000, no_data="keep"
    )
    assert found == expected


def test_what_an_alert_says_and_where_it_leads() -> None:
    found = one("below: 7\nlabels: {team: shop}\nlink: https://wiki/csat\nannotations: {s: '{value}, {team}'}")
    assert (found.labels, found.link) == ((("team", "shop"),), "https://wiki/csat")
    assert found.annotations == (("s", "{value}, {team}"),)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("change: {below: -20%}", Rule("LowCsat", "csat_score", "1h", "below", -0.2, of="relative_change")),
        (
            "change: {above: 0.1}\nrecover: 0.05",
            Rule("LowCsat", "csat_score", "1h", "above", 0.1, of="change", recover=0.05),
        ),
        ("deviation: {below: -3}", Rule("LowCsat", "csat_score", "1h", "below", -3.0, of="deviation", weeks=4)),
        (
            "deviation: {above: 2.5, weeks: 8}\nrecover: 1",
            Rule("LowCsat", "csat_score", "1h", "above", 2.5, of="deviation", weeks=8, recover=1.0),
        ),
    ],
)
def test_changes_and_deviations(lines: str, expected: Rule) -> None:
    assert one(lines) == expected


@pytest.mark.parametrize(
    ("lines", "segment", "by"),
    [
        ("below: 7\nby: [channel]", (), ("channel",)),
        ("below: 7\nby: channel", (), ("channel",)),
        ("below: 7\nby: [region, channel]", (), ("channel", "region")),
        ("below: 7\nby: [region]\nwhere: {channel: web}", (("channel", "web"),), ("region",)),
    ],
)
def test_one_alert_for_each_value_of_dimensions(lines: str, segment: tuple, by: tuple[str, ...]) -> None:
    assert one(lines) == Rule("LowCsat", "csat_score", "1h", "below", 7.0, segment=segment, by=by)


BURN = """\
rules:
  - alert: Burn
    all:
      - {metric: fcr_ratio, window: 1h, below: 0.5, min_samples: 20}
      - {metric: fcr_ratio, window: 5m, below: 0.5, recover: 0.6}
    for: 1m
"""


def test_several_conditions() -> None:
    also = (Condition("fcr_ratio", "5m", "below", 0.5, recover=0.6),)
    expected = Rule("Burn", "fcr_ratio", "1h", "below", 0.5, min_samples=20, for_ms=60_000, also=also)
    assert parse(BURN, "rules.yaml", CONFIG) == [expected]


@pytest.mark.parametrize(
    ("written", "instead", "lines", "hint"),
    [
        ("    for: 1m", "    window: 1h", [6], "beside `all`"),
        ("window: 5m, below: 0.5, recover: 0.6", "window: 5m", [5], "a condition needs one of"),
        ("metric: fcr_ratio, window: 5m", "window: 5m", [5], "a condition needs `metric:`"),
        ("{metric: fcr_ratio, window: 5m, below: 0.5, recover: 0.6}", "5m", [5, 5, 5, 5], "must be a mapping"),
        ("recover: 0.6", "for: 1m", [5], "unknown key `for`"),
    ],
)
def test_mistakes_in_one_of_several_conditions(written: str, instead: str, lines: list[int], hint: str) -> None:
    found = problems(BURN.replace(written, instead))
    assert [int(problem.split(":")[1]) for problem in found] == lines
    assert hint in "".join(found)


def test_a_single_condition_in_all_is_a_mistake() -> None:
    single = "rules:\n  - alert: A\n    all:\n      - {metric: fcr_ratio, window: 1h, below: 0.5}\n"
    assert [problem.split(": ", 1)[0] for problem in problems(single)] == ["rules.yaml:4"]


@pytest.mark.parametrize(
    "metric", ["touchpoints", "revenue", "messages_per_ticket", "csat_response_rate", "active_customers"]
)
def test_confidence_in_what_has_no_interval_is_a_mistake(metric: str) -> None:
    window = "day" if metric == "active_customers" else "1h"
    yaml = ONE.replace("csat_score", metric).replace("1h", window) + "    confidence: 0.95\n"
    (found,) = problems(yaml)
    assert found.startswith(f"rules.yaml:6: `{metric}` has no confidence interval")


def test_a_change_against_slices_that_are_not_kept_is_a_mistake() -> None:
    config = Config(windows=("1h", "3h", "4h", "96h", "100h", "168h", "day", "month", "370d"))
    for window, kept in [("3h", True), ("4h", True), ("96h", True), ("100h", False), ("168h", False), ("370d", True)]:
        yaml = ONE.replace("1h", window).replace("below: 7", "change: {below: -20%}")
        if kept:
            assert parse(yaml, "rules.yaml", config)
        else:
            with pytest.raises(MappingError, match=f"rules.yaml:4: .* before `{window}`, the slices are not kept.*3h"):
                parse(yaml, "rules.yaml", config)


def test_what_looks_back_itself_needs_one_more_period_for_a_change() -> None:
    config = Config(windows=("1h", "300d"))
    yaml = ONE.replace("1h", "300d").replace("below: 7", "change: {below: -20%}")
    assert parse(yaml, "rules.yaml", config)
    with pytest.raises(MappingError, match="not kept"):
        parse(yaml.replace("csat_score", "retention_ratio"), "rules.yaml", config)


def test_a_deviation_over_whole_days_is_a_mistake() -> None:
    (found,) = problems(ONE.replace("1h", "day").replace("below: 7", "deviation: {below: -3}"))
    assert found.startswith("rules.yaml:4: ")
    assert "5m, 1h" in found


def test_a_label_that_a_dimension_has_already_is_a_mistake() -> None:
    (found,) = problems(f"{ONE}    by: [channel]\n    labels: {{channel: web}}\n")
    assert found.startswith("rules.yaml:7: ")


@pytest.mark.parametrize(
    ("one", "other", "is_twice"),
    [
        ("by: [channel]", "where: {channel: web}", True),
        ("by: [channel]", "by: [channel]", True),
        ("by: [region]\n    where: {channel: web}", "by: [channel]\n    where: {region: eu}", True),
        ("by: [region]\n    where: {channel: web}", "by: [region]\n    where: {channel: app}", False),
        ("by: [channel]", "by: [channel, region]", False),
        ("by: [channel]", "by: [channel]\n    labels: {tier: page}", False),
        ("by: [channel]", "severity: info", False),
    ],
)
def test_rules_whose_alerts_could_be_the_same_are_a_mistake(one: str, other: str, is_twice: bool) -> None:
    yaml = f"{ONE}    {one}\n{ONE.split(chr(10), 1)[1]}    {other}\n"
    if is_twice:
        assert "is there twice" in problems(yaml)[0]
    else:
        assert len(parse(yaml, "rules.yaml", CONFIG)) == 2
