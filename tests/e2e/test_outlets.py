"""Outlets against real HTTP servers that fail, hang, refuse, and go away; and against the real Alertmanager."""

import hashlib
import hmac
import shutil
import signal
import subprocess
import time
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from agents.brokers import Broker
from agents.clock import now_ms
from schemas.handling import Silence
from stream.desk.matcher import parse
from tests.agents.desk.receiver import Answer, Receiver, receiver
from tests.alerts import friction, metric
from tests.e2e.desks import office
from tests.e2e.workers import free_port

SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()


def firing(received: Receiver) -> list[str]:
    return [each.json["data"]["alerts"][0]["id"] for each in received.received]


def test_each_outlet_is_told_in_its_own_time_whatever_befalls_the_others(embedded: Broker, tmp_path: Path) -> None:
    names = ("sound", "failing", "hanging", "limited", "refusing", "cutting")
    with ExitStack() as stack:
        hooks = {name: stack.enter_context(receiver()) for name in names}
        hooks["failing"].answers = [Answer(500), Answer(503), Answer(404)]
        hooks["hanging"].answers = [Answer(after_s=4)]
        hooks["limited"].answers = [Answer(429, {"Retry-After": "3"})]
        hooks["refusing"].answers = [Answer(400)]
        hooks["cutting"].answers = [Answer(cut=True)]
        later = free_port()
        outlets: list[dict[str, Any]] = [
            {"name": name, "url": hook.url, "timeout": "1s"} for name, hook in hooks.items()
        ]
        outlets.append({"name": "away", "url": f"http://127.0.0.1:{later}/hook"})
        at = stack.enter_context(office(embedded.bootstrap, tmp_path, outlets=outlets))
        desk = at.start()
        began = time.monotonic()
        at.alert(metric("A"), metric("B"))
        hooks["sound"].wait(lambda: len(hooks["sound"].received) == 2, 5)
        assert time.monotonic() - began < 5
        away = stack.enter_context(receiver(later))
        hooks["failing"].wait(lambda: len(firing(hooks["failing"])) == 5)
        hooks["hanging"].wait(lambda: sorted(firing(hooks["hanging"])) == ["A-1-firing"] * 2 + ["B-1-firing"])
        hooks["limited"].wait(lambda: sorted(firing(hooks["limited"])) == ["A-1-firing"] * 2 + ["B-1-firing"])
        hooks["refusing"].wait(lambda: firing(hooks["refusing"]) == ["A-1-firing", "B-1-firing"])
        hooks["cutting"].wait(lambda: sorted(firing(hooks["cutting"])) == ["A-1-firing"] * 2 + ["B-1-firing"])
        away.wait(lambda: sorted(firing(away)) == ["A-1-firing", "B-1-firing"])
        first, again = hooks["limited"].received[:2]
        assert again.time_s - first.time_s >= 3
        ids = [each.headers["webhook-id"] for each in hooks["failing"].received]
        assert ids == firing(hooks["failing"])
        assert set(ids) == {"A-1-firing", "B-1-firing"}
        text = desk.get("/metrics")
        for line in (
            'cx_outlet_sent_total{outlet="sound"} 2.0',
            'cx_outlet_failed_total{outlet="failing"} 3.0',
            'cx_outlet_retried_total{outlet="failing"} 3.0',
            'cx_outlet_dropped_total{outlet="refusing"} 1.0',
            'cx_outlet_sent_total{outlet="refusing"} 1.0',
        ):
            assert line in text
        assert "outlet.dropped" in desk.log.read_text()


def test_what_is_always_refused_holds_nobody_else_up(embedded: Broker, tmp_path: Path) -> None:
    with receiver() as hook, office(embedded.bootstrap, tmp_path, outlets=[{"name": "crm", "url": hook.url}]) as at:
        hook.refused = b"A-1-"
        desk = at.start()
        at.alert(metric("A"), metric("A", "resolved"), metric("B"), metric("C"))
        hook.wait(lambda: {"B-1-firing", "C-1-firing"} <= set(hook.alerts()))
        hook.wait(lambda: hook.alerts().count("A-1-firing") >= 3)
        assert "A-1-resolved" not in hook.alerts(), "it waits for its turn"
        at.alert(metric("B", "resolved"))
        at.wait(lambda: b"B-1-resolved" in (at.latest("alerts-told").get(b"crm/B/1") or b""), "it is known to be told")
        desk.stop(signal.SIGKILL)
        before = len(hook.received)
        hook.refused = b""
        at.start()
        hook.wait(lambda: "A-1-resolved" in hook.alerts())
        again = hook.alerts()[before:]
        assert again == ["A-1-firing", "A-1-resolved"], "what was told meanwhile is not told again"


def test_a_group_that_took_a_notice_without_an_answer_gets_it_again_under_the_same_id(
    embedded: Broker, tmp_path: Path
) -> None:
    outlet = {"name": "crm", "group_by": "region", "group_wait": "1s", "group_interval": "1s"}
    with receiver() as hook, office(embedded.bootstrap, tmp_path, outlets=[outlet | {"url": hook.url}]) as at:
        hook.answers = [Answer(), Answer(cut=True), Answer(after_s=30)]
        desk = at.start()
        at.alert(metric("A", labels={"region": "eu"}, at_ms=now_ms()))
        hook.wait(lambda: len(hook.received) == 1)
        at.alert(metric("B", labels={"region": "eu"}, at_ms=now_ms()))
        hook.wait(lambda: len(hook.received) == 3)
        desk.stop(signal.SIGKILL)  # while an answer is awaited
        at.start()
        hook.wait(lambda: len(hook.received) == 4)
        first, *others = [each.headers["webhook-id"] for each in hook.received]
        assert len(set(others)) == 1
        assert first not in others
        assert {len(each.json["data"]["alerts"]) for each in hook.received[1:]} == {2}


def test_a_signed_webhook_can_be_verified_and_a_group_is_told_at_once(embedded: Broker, tmp_path: Path) -> None:
    with receiver() as hook, receiver() as slack:
        outlets = [
            {"name": "crm", "url": hook.url, "secret_variable": "CRM_SECRET", "group_by": "region", "group_wait": "2s"},
            {"name": "chat", "kind": "slack", "url_variable": "CHAT_URL", "severity": "critical", "resolved": "false"},
        ]
        with office(embedded.bootstrap, tmp_path, outlets=outlets) as at:
            at.start(CRM_SECRET=SECRET, CHAT_URL=slack.url)
            eu = {"region": "eu"}
            now = now_ms()
            at.alert(metric("A", labels=eu, at_ms=now), metric("B", labels=eu, at_ms=now, severity="critical"))
            hook.wait(lambda: hook.received)
            data = hook.received[0].json["data"]
            assert [alert["alert"] for alert in data["alerts"]] == ["A", "B"]
            assert (data["group"], data["status"]) == ({"region": "eu"}, "firing")
            slack.wait(lambda: slack.received)
            at.alert(metric("B", "resolved", labels=eu, severity="critical"))
            at.wait(lambda: len(at.open()) == 1, "B is gone")
            time.sleep(1)
            assert [each.json["text"] for each in slack.received] == ["[firing] B (critical)"]
        headers, body = hook.received[0].headers, hook.received[0].body
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mac = hmac.digest(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256)
        assert headers["webhook-signature"] == f"v1,{b64encode(mac).decode()}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        assert SECRET not in (at.desks[0].log.read_text())


# The real Alertmanager


@contextmanager
def alertmanager(folder: Path, hook: str) -> Iterator[str]:
    """One with short times, that tells a webhook; the address of its API."""
    command = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if command is None:
        pytest.skip("no Alertmanager: apt-get install prometheus-alertmanager")
    config = folder / "alertmanager.yml"
    route = {"receiver": "hook", "group_by": ["region"], "group_wait": "1s", "group_interval": "1s"}
    receivers = [{"name": "hook", "webhook_configs": [{"url": hook, "send_resolved": True}]}]
    config.write_text(yaml.safe_dump({"route": route, "receivers": receivers}))
    url = f"http://127.0.0.1:{free_port()}"
    log = (folder / "alertmanager.log").open("wb")
    arguments = [f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    process = subprocess.Popen(
        [command, *arguments, f"--web.listen-address={url.removeprefix('http://')}"],
        stdout=log,
        stderr=log,
    )
    try:
        end = time.monotonic() + 30
        while not is_up(url):
            assert time.monotonic() < end, (folder / "alertmanager.log").read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        log.close()


ALL = {"A warning", "B warning", "repeat_contact warning ann"}


def is_up(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/-/ready", timeout=2).close()
    except OSError:
        return False
    return True


def posted(url: str) -> dict[str, dict[str, Any]]:
    """What Alertmanager knows, by name, severity and customer."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as answer:
        found = orjson.loads(answer.read())
    names = ("alertname", "severity", "customer")
    return {" ".join(each["labels"][name] for name in names if name in each["labels"]): each for each in found}


def test_alertmanager_receives_groups_and_resolves(embedded: Broker, tmp_path: Path) -> None:
    with receiver() as hook, alertmanager(tmp_path, hook.url) as url:
        link = "https://cx.example/alerts/{fingerprint}"
        outlets = [{"name": "am", "kind": "alertmanager", "url": url, "resend": "2s", "link": link}]
        with office(embedded.bootstrap, tmp_path, outlets=outlets) as at:
            at.start()
            now, eu = now_ms(), {"region": "eu"}
            ann = friction("ann", labels=eu, at_ms=now, due_ms=now + 6_000)
            at.alert(metric("A", labels=eu, at_ms=now), metric("B", labels=eu, at_ms=now), ann)
            at.wait(
                lambda: set(posted(url)) == {"A warning", "B warning", "repeat_contact warning ann"}, "all are there"
            )
            assert posted(url)["A warning"]["generatorURL"] == "https://cx.example/alerts/A%2Fregion%3Deu"
            hook.wait(lambda: len(hook.received) >= 1)
            groups = [each.json for each in hook.received]
            assert {str(group["groupLabels"]) for group in groups} == {str(eu)}
            at.alert(metric("A", "resolved", labels=eu, at_ms=now_ms()))
            hook.wait(lambda: ("A", "resolved") in told(hook))
            first = posted(url)["B warning"]["endsAt"]
            at.wait(lambda: posted(url)["B warning"]["endsAt"] > first, "B is sent again while it fires")
            at.wait(lambda: "repeat_contact critical ann" in posted(url), "what was due is escalated", 20)
            at.wait(lambda: "repeat_contact warning ann" not in posted(url), "in place of what was before")
            starts, ends = now_ms() - 1_000, now_ms() + 600_000
            quiet = Silence(id="s", by="ann", matchers=(parse("alertname=B"),), starts_ms=starts, ends_ms=ends)
            at.handle(quiet)
            at.wait(lambda: "B warning" not in posted(url), "what is suppressed is no longer sent, and ends", 30)


def told(hook: Receiver) -> set[tuple[str, str]]:
    """Names and states of all that Alertmanager has told."""
    return {(alert["labels"]["alertname"], alert["status"]) for each in hook.received for alert in each.json["alerts"]}
