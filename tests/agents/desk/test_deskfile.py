"""What settings say of handling and outlets; mistakes come all at once, each with its line."""

from pathlib import Path

import pytest

from agents.outletfile import OutletSettings, check_variables
from agents.settings import Settings, load
from stream.desk.grouping import Route
from stream.desk.matcher import parse
from stream.errors import ConfigError
from stream.slices import HOUR_MS, MINUTE_MS, SECOND_MS, Calendar


def loaded(folder: Path, yaml: str) -> Settings:
    file = folder / "cxstream.yaml"
    file.write_text(yaml)
    return load(file, {})


def mistakes(folder: Path, yaml: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loaded(folder, yaml)
    return [problem.removeprefix(f"{folder}/cxstream.yaml:") for problem in error.value.problems]


def test_without_anything_parts_are_inhibited_and_nothing_escalates_by_time() -> None:
    policy = Settings().policy
    assert policy.inhibit_parts
    assert (policy.inhibitions, policy.maintenance, policy.escalate_ms) == ((), (), {})


def test_all_of_handling_can_be_set(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        """
time_zone: Europe/Oslo
maintenance:
  - {name: nightly, week: {sunday: ["02:00-04:00"]}, time_zone: Asia/Tokyo, matchers: [channel=web, "region=~eu|us"]}
  - {name: all, week: {monday: ["00:00-24:00"]}}
inhibit:
  - {source: [severity=critical], target: severity!=critical, equal: [region, channel]}
inhibit_parts: false
escalate: {critical: 15m, warning: 4h}
""",
    ).policy
    first, second = policy.maintenance
    assert (first.name, first.schedule.calendar, first.schedule.week[6]) == (
        "nightly",
        Calendar("Asia/Tokyo"),
        ((120, 240),),
    )
    assert first.matchers == (parse("channel=web"), parse("region=~eu|us"))
    assert (second.schedule.calendar, second.matchers) == (Calendar("Europe/Oslo"), ())
    (rule,) = policy.inhibitions
    assert (rule.source, rule.target) == ((parse("severity=critical"),), (parse("severity!=critical"),))
    assert rule.equal == ("region", "channel")
    assert not policy.inhibit_parts
    assert policy.escalate_ms == {"critical": 15 * MINUTE_MS, "warning": 4 * HOUR_MS}


def test_mistakes_of_handling_come_all_at_once_with_their_lines(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """maintenance:
  - {week: {funday: ["02:00-04:00"]}}
  - {name: x, week: {monday: ["9-17"]}, time_zone: Mars/Olympus, matchers: [region]}
inhibit:
  - {source: [severity=critical]}
  - {source: ["x=~("], target: [a=b], same: [c]}
inhibit_parts: perhaps
escalate: {urgent: 5m, warning: soon}
""",
    )
    lines = [(int(problem.split(":")[0]), problem) for problem in found]
    for line, words in (
        (2, "needs `name:`"),
        (2, "`funday`"),
        (3, "`9-17`"),
        (3, "Mars/Olympus"),
        (3, "`region` is no matcher"),
        (5, "needs `target:`"),
        (6, "no regular expression"),
        (6, "unknown key `same`"),
        (7, "perhaps"),
        (8, "`urgent`"),
        (8, "`soon`"),
    ):
        assert any(at == line and words in problem for at, problem in lines), (line, words, found)
    assert len(found) == 11


def test_outlets_of_each_kind_can_be_set(tmp_path: Path) -> None:
    crm, team, am = loaded(
        tmp_path,
        """
outlets:
  - {name: crm, url: "https://crm.example/hook", secret_variable: S, severity: [warning, critical], matchers: region=eu}
  - {name: team, kind: slack, url_variable: U, group_by: [region], repeat_interval: 1h, resolved: false, link: "https://x/{a}"}
  - {name: am, kind: alertmanager, url: "http://127.0.0.1:9093", timeout: 3s, give_up: 2h}
""",
    ).outlets
    assert crm == OutletSettings(
        "crm",
        url="https://crm.example/hook",
        secret_variable="S",
        route=Route((parse("region=eu"),), ("warning", "critical")),
    )
    assert team.route.group_by == ("region",)
    assert (team.route.wait_ms, team.route.interval_ms, team.route.repeat_ms) == (30_000, 5 * MINUTE_MS, HOUR_MS)
    assert (team.kind, team.route.resolved, team.link) == ("slack", False, "https://x/{a}")
    assert am.route == Route(group_by=(), repeat_ms=MINUTE_MS, is_pulse=True, give_up_ms=2 * HOUR_MS)
    assert am.timeout_ms == 3 * SECOND_MS


def test_mistakes_of_outlets_come_all_at_once_with_their_lines(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """outlets:
  - {url: "https://x"}
  - {name: a b, kind: pigeon, url: "ftp://x", severity: [bad]}
  - {name: c, url: "https://x", url_variable: X}
  - {name: c, url: "https://x", group_interval: 5m, resend: 1m}
  - {name: am, kind: alertmanager, url: "http://x", group_by: [region], secret_variable: S, timeout: never}
  - {name: d, url: "http://a b/", severity: []}
""",
    )
    lines = [(int(problem.split(":")[0]), problem) for problem in found]
    for line, words in (
        (2, "needs `name:`"),
        (3, "letters, digits"),
        (3, "`pigeon`"),
        (3, "`ftp://x`"),
        (3, "`bad`"),
        (4, "one of `url:` and `url_variable:`"),
        (5, "two of the name `c`"),
        (5, "give `group_by` too"),
        (5, "`resend` is for Alertmanager"),
        (6, "leave `group_by` out"),
        (6, "only a webhook is signed"),
        (6, "`never`"),
        (7, "`http://a b/` is no http or https address"),
        (7, "`severity` is empty"),
    ):
        assert any(at == line and words in problem for at, problem in lines), (line, words, found)
    assert len(found) == 14


def test_secrets_are_looked_for_when_a_desk_starts_all_at_once() -> None:
    found = (OutletSettings("a", url_variable="URL"), OutletSettings("b", url="http://x", secret_variable="SECRET"))
    with pytest.raises(ConfigError) as error:
        check_variables(found, {})
    assert len(error.value.problems) == 2
    with pytest.raises(ConfigError, match="no http or https address"):
        check_variables(found, {"URL": "nowhere", "SECRET": "s"})
    check_variables(found, {"URL": "http://127.0.0.1:1/x", "SECRET": "s"})
    check_variables(found, {"URL": "http://127.0.0.1:1/x", "SECRET": "whsec_c2VjcmV0"})


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64", "whsec_c2VjcmV", "whsec_ø"])
def test_a_secret_that_says_that_it_is_base64_must_be(secret: str) -> None:
    with pytest.raises(ConfigError, match="`b`: SECRET begins with whsec_") as error:
        check_variables((OutletSettings("b", url="http://x", secret_variable="SECRET"),), {"SECRET": secret})
    assert secret.removeprefix("whsec_") == "" or secret not in str(error.value)
