"""The commands that acknowledge and silence, and what the list then shows."""

import json
import subprocess
from pathlib import Path

import pytest

from agents.brokers import Broker
from agents.clock import now_ms
from schemas.handling import Silence
from stream.desk.matcher import parse
from tests.alerts import metric
from tests.e2e.desks import Office, office
from tests.e2e.test_commands import assert_refused, cxstream
from tests.e2e.workers import free_port


def alerts(at: Office, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [arguments[0], *arguments[1:], "--settings", str(at.file)] if arguments else ["--settings", str(at.file)]
    return cxstream("alerts", *command)


def listed(at: Office) -> dict[str, dict]:
    done = alerts(at, "--firing", "--format", "json")
    assert done.returncode == 0, done.stderr
    return {each["alert"]["fingerprint"]: each for each in json.loads(done.stdout)["open"]}


def test_alerts_are_acknowledged_silenced_and_heard_again(any_broker: Broker, tmp_path: Path) -> None:
    with office(any_broker.bootstrap, tmp_path) as at:
        at.alert(metric("LowCsat"), metric("HighEffort", labels={"region": "eu"}))
        assert {key: each["status"] for key, each in listed(at).items()} == {
            "LowCsat": "active",
            "HighEffort/region=eu": "active",
        }
        done = alerts(at, "ack", "Low", "--by", "ann", "--note", "on it", "--assign", "bob")
        assert done.returncode == 0, done.stderr
        silenced = alerts(at, "silence", "region=~e.", "--for", "2h", "--by", "ann", "--comment", "moving")
        silence = silenced.stdout.strip()
        found = listed(at)
        assert found["LowCsat"]["status"] == "acknowledged"
        assert found["LowCsat"]["acknowledged"]["note"] == "on it"
        assert found["HighEffort/region=eu"]["silenced_by"] == [silence]
        table = alerts(at).stdout
        assert "acknowledged (bob)" in table
        assert f"suppressed (silence {silence})" in table
        (one,) = json.loads(alerts(at, "silences", "--format", "json").stdout)
        assert (one["id"], one["by"], one["comment"], one["ends"] - one["starts"]) == (
            silence,
            "ann",
            "moving",
            7_200_000,
        )
        assert 'region=~"e."' in alerts(at, "silences").stdout
        assert alerts(at, "unsilence", silence).returncode == 0
        assert listed(at)["HighEffort/region=eu"]["status"] == "active"
        assert "no silences" in alerts(at, "silences").stdout
        assert silence in alerts(at, "silences", "--all").stdout
        assert_refused(alerts(at, "unsilence", silence), silence, "cxstream alerts silences")
        to_come = Silence(id="later", by="ann", matchers=(parse("a=b"),), starts_ms=now_ms() + 9**9, ends_ms=2**62)
        at.handle(to_come)
        assert "never" in alerts(at, "silences").stdout
        assert alerts(at, "unsilence", "later").returncode == 0
        assert "no silences" in alerts(at, "silences").stdout
        assert_refused(alerts(at, "unsilence", "later"), "later")
        assert_refused(alerts(at, "ack", "Nothing"), "no alert fires", "Nothing")
        at.alert(metric("LowNps"))
        assert_refused(alerts(at, "ack", "Low"), "2 alerts fire")


def test_an_escalated_alert_is_shown_as_such(embedded: Broker, tmp_path: Path) -> None:
    with office(embedded.bootstrap, tmp_path, escalate={"warning": "1s"}) as at:
        at.alert(metric("A"))
        at.start()
        at.wait(lambda: at.open()["A"].alert.escalation is not None if at.open() else False, "A is escalated")
        assert "firing, escalated" in alerts(at).stdout
        assert "escalated" in alerts(at, "--last", "5").stdout.split("transitions")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("silence", "region=", "--for", "2h"), ("every alert",)),
        (("silence", "region", "--for", "2h"), ("`region` is no matcher",)),
        (("silence", "region=eu", "--for", "soon"), ("soon", "30m")),
        (("--last", "3", "silences"), ("after `silences`", "last")),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_refused(cxstream("alerts", *arguments), *words)


def test_a_desk_without_a_broker_says_so() -> None:
    address = f"127.0.0.1:{free_port()}"
    assert_refused(cxstream("desk", "--bootstrap", address, "--port", "0"), address, "cxstream broker")


def test_a_desk_says_which_secrets_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "cx.yaml"
    file.write_text(
        "outlets:\n"
        "  - {name: a, url_variable: NO_URL}\n"
        "  - {name: b, url: 'http://127.0.0.1:1/', secret_variable: NO_SECRET}\n"
    )
    assert_refused(cxstream("desk", "--settings", str(file)), "NO_URL", "NO_SECRET", "`a`", "`b`")
