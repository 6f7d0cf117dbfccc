"""A desk as its own process, on both brokers: what it keeps, tells and escalates, and what a kill -9 leaves."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.brokers import Broker
from agents.clock import now_ms
from schemas.handling import Acknowledgement, Matcher, Silence
from schemas.told import Position, Told
from tests.agents.desk.receiver import Receiver, receiver
from tests.alerts import friction, metric
from tests.e2e.consume import consume
from tests.e2e.desks import office


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def silence(**labels: str) -> Silence:
    now = now_ms()
    matchers = tuple(Matcher(name=name, op="=", value=value) for name, value in labels.items())
    return Silence(id="s1", by="ann", matchers=matchers, starts_ms=now - 1_000, ends_ms=now + 3_600_000)


def ack(fingerprint: str, sequence: int = 1) -> Acknowledgement:
    return Acknowledgement(by="ann", fingerprint=fingerprint, sequence=sequence, at_ms=now_ms())


def test_what_is_open_stands_with_its_handling_and_goes_when_it_is_resolved(any_broker: Broker, tmp_path: Path) -> None:
    with office(any_broker.bootstrap, tmp_path) as at:
        at.alert(metric("A"), metric("B"), metric("C", labels={"region": "eu"}))
        at.start()
        at.wait(lambda: at.statuses() == {"A": "active", "B": "active", "C/region=eu": "active"}, "all are open")
        at.handle(ack("B"), silence(region="eu"))
        at.wait(lambda: at.statuses()["B"] == "acknowledged", "B is acknowledged")
        at.wait(lambda: at.open()["C/region=eu"].silenced_by == ("s1",), "C is silenced")
        at.alert(metric("A", "resolved"), metric("B", "resolved"), metric("B", sequence=2))
        at.wait(lambda: at.statuses() == {"B": "active", "C/region=eu": "suppressed"}, "A is gone, B fires anew")


def test_a_desk_that_was_killed_mends_what_changed_meanwhile(
    any_broker: Broker, tmp_path: Path, hook: Receiver
) -> None:
    outlets = [{"name": "crm", "url": hook.url}]
    with office(any_broker.bootstrap, tmp_path, outlets=outlets) as at:
        first = at.start()
        at.alert(metric("A"), metric("B"))
        hook.wait(lambda: len(hook.received) == 2)
        at.wait(lambda: len(at.open()) == 2, "both are open")
        first.process.kill()
        at.alert(metric("A", "resolved"), metric("C"), metric("D"), metric("D", "resolved"))
        at.start()
        at.wait(lambda: set(at.open()) == {"B", "C"}, "A is gone, C is there")
        hook.wait(lambda: {"A-1-resolved", "C-1-firing", "D-1-firing", "D-1-resolved"} <= set(hook.alerts()))
        assert hook.alerts().index("D-1-firing") < hook.alerts().index("D-1-resolved")
        assert hook.alerts().count("B-1-firing") == 1


def test_what_nobody_takes_on_by_when_it_is_due_is_escalated_once(any_broker: Broker, tmp_path: Path) -> None:
    due = now_ms() + 8_000
    with office(any_broker.bootstrap, tmp_path, escalate={"critical": "1s"}) as at:
        at.alert(
            friction("ann", due_ms=due), friction("bob", due_ms=due), metric("A", severity="critical"), metric("B")
        )
        at.handle(ack("repeat_contact/bob"))
        at.start()
        at.start(wait=False)
        at.wait(lambda: now_ms() > due + 3_000, "time has passed")
        escalated = [alert for alert in at.alerts() if alert.escalation is not None]
        assert sorted(alert.id for alert in escalated) == ["A-1-escalated", "repeat_contact/ann-1-escalated"]
        assert {alert.severity for alert in escalated} == {"critical"}
        assert at.open()["repeat_contact/ann"].alert.escalation is not None


PHASES = (
    "desk-before-open",
    "desk-after-open",
    "desk-after-escalation",
    "outlet-before-delivery",
    "outlet-after-delivery",
    "outlet-after-told",
)


@pytest.mark.parametrize("phase", PHASES)
def test_a_desk_killed_in_any_phase_loses_nothing(embedded: Broker, tmp_path: Path, hook: Receiver, phase: str) -> None:
    outlets = [{"name": "crm", "url": hook.url}]
    with office(embedded.bootstrap, tmp_path, outlets=outlets, escalate={"critical": "1s"}) as at:
        at.alert(metric("Before"))
        killed = at.start(wait=False, CXSTREAM_FAULTS=f"kill:{phase}:1:7")
        at.wait(lambda: at.is_known("crm"), "what is told to the outlet begins here")
        at.alert(metric("A", severity="critical"), metric("B"), metric("B", "resolved"))
        at.wait(lambda: killed.process.poll() is not None, f"killed at {phase}")
        assert f"fault: kill {phase}" in killed.log.read_text()
        at.start()
        expected = {"Before-1-firing", "A-1-firing", "A-1-escalated", "B-1-firing", "B-1-resolved"}
        hook.wait(lambda: expected <= set(hook.alerts()))
        at.wait(lambda: set(at.open()) == {"Before", "A"}, "what is open stands")
        repeated = [each.headers["webhook-id"] for each in hook.received]
        assert len(repeated) - len(set(repeated)) <= 1, "at most what was on its way comes twice, under the same id"
        assert hook.alerts().index("B-1-firing") < hook.alerts().index("B-1-resolved")
        assert at.open()["A"].alert.id == "A-1-escalated"


def test_a_second_desk_stands_by_and_takes_over(any_broker: Broker, tmp_path: Path, hook: Receiver) -> None:
    outlets = [{"name": "crm", "url": hook.url}]
    with office(any_broker.bootstrap, tmp_path, outlets=outlets) as at:
        first = at.start()
        second = at.start(wait=False)
        at.wait(second.is_ready, "the other one stands by")
        at.wait(lambda: sum(desk.is_active() for desk in at.desks) == 1, "one is active")
        at.alert(metric("A"))
        hook.wait(lambda: hook.alerts() == ["A-1-firing"])
        active, other = (first, second) if first.is_active() else (second, first)
        active.process.kill()
        at.alert(metric("B"))
        at.wait(other.is_active, "the other one has taken over")
        hook.wait(lambda: hook.alerts() == ["A-1-firing", "B-1-firing"])
        assert other.stop(signal.SIGTERM) == 0
        assert set(at.open()) == {"A", "B"}


def test_what_the_desk_sends_is_a_cloud_event(any_broker: Broker, tmp_path: Path) -> None:
    with office(any_broker.bootstrap, tmp_path, escalate={"warning": "1s"}) as at:
        at.alert(metric("A"))
        at.start()
        at.wait(lambda: len(at.alerts()) == 2, "it is escalated")
        records = consume(any_broker.bootstrap, at.settings.topic("alerts"))
        headers = [{name: value.decode() for name, value in record.headers} for record in records]
        assert [each["ce_type"] for each in headers] == ["cxstream.alert.firing", "cxstream.alert.escalated"]
        assert [each["ce_id"] for each in headers] == ["A-1-firing", "A-1-escalated"]
        assert {each["ce_source"] for each in headers} == {f"/cxstream/{at.settings.id}"}
        assert {each["content-type"] for each in headers} == {"application/json"}


def test_what_nothing_depends_on_any_more_is_forgotten_and_the_rest_kept(embedded: Broker, tmp_path: Path) -> None:
    week = 7 * 24 * 3_600_000
    old = silence(region="eu")
    old = replace(old, id="old", starts_ms=old.starts_ms - 2 * week, ends_ms=old.ends_ms - week)
    with office(embedded.bootstrap, tmp_path) as at:
        at.alert(metric("A"), metric("B"), metric("B", "resolved"))
        at.handle(old, silence(region="us"), *(replace(ack(name), at_ms=now_ms() - week) for name in "AB"))
        at.put("handling", b"silence:other", json.encode(silence(region="no")))
        desk = at.start()
        at.wait(lambda: at.latest("handling")[b"silence:old"] is None, "the old silence is forgotten")
        kept = {key for key, value in at.latest("handling").items() if value is not None}
        assert kept == {b"silence:s1", b"acknowledgement:A", b"silence:other"}
        assert desk.sample("cx_desk_foreign_total") == 1, "what stands under another key could never be replaced"
        assert at.statuses() == {"A": "acknowledged"}


def test_what_an_earlier_release_remembered_is_known_and_times_that_are_none_end_no_desk(
    embedded: Broker, tmp_path: Path, hook: Receiver
) -> None:
    told = Told(outlet="crm", fingerprint="A", id="A-1-firing", order=(1, 0), at_ms=now_ms())
    outlets = [{"name": "crm", "url": hook.url}]
    with office(embedded.bootstrap, tmp_path, outlets=outlets, escalate={"warning": "1s"}) as at:
        at.alert(metric("A"))
        at.put("alerts", b"Far", json.encode(metric("Far", at_ms=10**18)))
        at.put("alerts-told", b"crm/A", json.encode(told))
        at.put("alerts-told", b"crm", json.encode(Position(outlet="crm", offsets={0: 2})))
        desk = at.start()
        hook.wait(lambda: hook.alerts() == ["A-1-escalated"])
        at.alert(metric("A", "resolved"))
        hook.wait(lambda: hook.alerts() == ["A-1-escalated", "A-1-resolved"])
        at.wait(lambda: {at.latest("alerts-told").get(key) for key in (b"crm/A", b"crm/A/1")} == {None}, "none is left")
        assert desk.sample("cx_desk_foreign_total") == 1


def test_what_cannot_be_read_is_counted_and_passed_over_and_what_others_wrote_is_mended(
    any_broker: Broker, tmp_path: Path, hook: Receiver
) -> None:
    with office(any_broker.bootstrap, tmp_path, outlets=[{"name": "crm", "url": hook.url}]) as at:
        at.put("alerts", b"x", b"no alert")
        at.put("alerts-told", b"crm", b"no position")
        at.put("alerts-open", b"Ghost", b"{}")
        desk = at.start()
        at.put("handling", b"silence:x", b'{"kind": "silence"}')
        at.alert(metric("A"))
        hook.wait(lambda: hook.alerts() == ["A-1-firing"])
        at.wait(lambda: at.statuses() == {"A": "active"}, "what was none is gone")
        at.put("alerts-open", b"A", b"{}")
        at.put("alerts-open", b"Ghost", None)
        at.wait(lambda: at.latest("alerts-open")[b"A"] != b"{}", "what another one wrote over is written again")
        at.wait(lambda: desk.sample("cx_desk_foreign_total") == 3, "three are counted")
        at.alert(metric("A", "resolved"))
        at.alert(metric("A"))
        at.wait(lambda: at.alerts()[-1].id == "A-1-resolved", "the last transition is last again")
        at.wait(lambda: not at.open(), "and A is resolved")
        assert hook.alerts() == ["A-1-firing", "A-1-resolved"]
