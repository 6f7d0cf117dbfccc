"""What is posted to whom, and what the answers mean."""

import email.utils
from typing import Any

import orjson
import pytest

from agents.outletfile import OutletSettings
from agents.outlets import RENDERERS
from agents.outlets.link import linked
from agents.outlets.post import HOPELESS, judged, pause_s
from schemas.alert import AnyAlert, decode_alert
from stream.desk.escalation import escalated
from stream.desk.grouping import Notice, Route
from tests.alerts import T0_MS, friction, metric

EU = {"region": "eu"}


def body(outlet: OutletSettings, *alerts: AnyAlert) -> Any:
    notice = Notice("n", {"region": "eu"}, alerts)
    return orjson.loads(RENDERERS[outlet.kind](outlet, notice, T0_MS, None).body)


def test_a_webhook_has_the_alerts_of_the_topic() -> None:
    found = body(OutletSettings("crm"), friction("ann", due_ms=T0_MS))
    assert (found["type"], found["timestamp"]) == ("cxstream.alert.firing", "2026-03-29T12:00:00.000Z")
    assert [decode_alert(orjson.dumps(each)) for each in found["data"]["alerts"]] == [friction("ann", due_ms=T0_MS)]
    grouped = body(OutletSettings("crm", route=Route(group_by=("region",))), metric("A", "resolved"))
    assert (grouped["type"], grouped["data"]["status"]) == ("cxstream.alerts", "resolved")
    assert grouped["data"]["group"] == {"region": "eu"}


def test_slack_is_told_what_it_takes_to_act_in_the_colour_of_the_severity() -> None:
    outlet = OutletSettings("team", "slack", link="https://cx.example/{customer}?a={alertname}&x={missing}")
    found = body(outlet, friction("ann <!channel>", severity="critical", labels=EU, annotations={"summary": "a & b"}))
    assert found["text"] == "[firing] repeat_contact (critical)"
    (attachment,) = found["attachments"]
    assert attachment["color"] == "#a30200"
    text = orjson.dumps(attachment).decode()
    assert "https://cx.example/ann%20%3C%21channel%3E?a=repeat_contact&x=" in text
    assert "<!channel>" not in text
    assert "a &amp; b" in text
    assert "*region*\\neu" in text


def test_slack_is_told_ten_alerts_at_most_and_how_many_more_there_are() -> None:
    found = body(
        OutletSettings("team", "slack"), *(metric(f"A{number}") for number in range(13)), metric("B", "resolved")
    )
    assert found["text"] == "13 firing, 1 resolved (region=eu)"
    assert len(found["attachments"]) == 11
    assert "and 4 more" in str(found["attachments"][-1])


def test_slack_shows_green_what_is_resolved() -> None:
    (attachment,) = body(OutletSettings("team", "slack"), metric("A", "resolved", severity="critical"))["attachments"]
    assert attachment["color"] == "#2eb886"


def test_alertmanager_is_told_until_when_an_alert_lasts_if_it_is_not_sent_again() -> None:
    outlet = OutletSettings("am", "alertmanager", Route(group_by=(), repeat_ms=60_000, is_pulse=True))
    (one,) = body(outlet, metric("A", labels={"plan-2.tier": "x", "empty": ""}, since_ms=T0_MS - 1_000))
    assert one["labels"] == {"alertname": "A", "severity": "warning", "plan_2_tier": "x"}
    assert (one["startsAt"], one["endsAt"]) == ("2026-03-29T11:59:59.000Z", "2026-03-29T12:04:00.000Z")
    assert "generatorURL" not in one


@pytest.mark.parametrize(
    ("several", "summary", "is_large"), [(256, "", False), (257, "", True), (2, "x" * 140_000, True)]
)
def test_one_request_to_alertmanager_is_bounded_in_number_and_in_bytes(
    several: int, summary: str, is_large: bool
) -> None:
    alerts = tuple(metric(f"A{number}", annotations={"summary": summary}) for number in range(several))
    outlet = OutletSettings("am", "alertmanager", route=Route(group_by=(), repeat_ms=60_000))
    assert RENDERERS["alertmanager"](outlet, Notice("n", {}, alerts), T0_MS, None).is_large == is_large


def test_alertmanager_has_a_raised_alert_in_place_of_the_one_before() -> None:
    outlet = OutletSettings("am", "alertmanager", Route(group_by=(), repeat_ms=60_000, is_pulse=True))
    found = body(outlet, escalated(metric("A", since_ms=T0_MS - 9_000), T0_MS))
    ends = {each["labels"]["severity"]: each["endsAt"] for each in found}
    assert ends == {"critical": "2026-03-29T12:04:00.000Z", "warning": "2026-03-29T12:00:00.000Z"}
    resolved = body(outlet, metric("A", "resolved"))
    assert {each["labels"]["severity"] for each in resolved} == {"warning", "critical"}
    assert {each["endsAt"] for each in resolved} == {"2026-03-29T12:00:00.000Z"}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_taken_is_done(status: int) -> None:
    assert judged(status, "", None, 0).kind == "sent"


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504])
def test_what_can_be_mended_elsewhere_is_tried_again(status: int) -> None:
    assert judged(status, "", None, 0).kind == "again"


@pytest.mark.parametrize("status", sorted(HOPELESS))
def test_only_what_is_wrong_with_the_request_itself_is_given_up(status: int) -> None:
    assert 400 <= status < 500
    assert judged(status, "no", None, 0).kind == "hopeless"


def test_an_outlet_may_say_when_to_come_again() -> None:
    date = email.utils.formatdate(1_000_090, usegmt=True)
    never = "Mon, 01 Jan 9999999999 00:00:00 GMT"
    for written, seconds in (
        (never, None),
        ("7", 7),
        (date, 90),
        ("-1", None),
        ("soon", None),
        ("999999", 3_600),
        (None, None),
    ):
        assert judged(429, "", written, 1_000_000).after_s == seconds


def test_pauses_grow_up_to_a_minute_and_are_never_shorter_than_asked_for() -> None:
    for failures in range(1, 40):
        longest = min(60.0, 0.5 * 2 ** (failures - 1))
        assert all(longest / 2 <= pause_s(failures, None) <= longest for _ in range(50))
    assert pause_s(1, 17.0) == 17.0
    assert len({pause_s(5, None) for _ in range(20)}) > 1


def test_a_link_is_only_ever_one_address() -> None:
    alert = friction("../../a b?c", labels={"region": "e/u"})
    assert linked("https://x/{customer}/{region}/{fingerprint}", alert).count("/") == 5


@pytest.mark.parametrize("annotations", [{"summary": ""}, {"summary": " ", "more": ""}, {}])
def test_slack_is_told_no_empty_text_as_it_would_refuse_the_message(annotations: dict[str, str]) -> None:
    found = body(OutletSettings("team", "slack"), metric("A", annotations=annotations, labels={"region": " "}))
    blocks = found["attachments"][0]["blocks"]
    texts = [block["text"] for block in blocks if "text" in block] + [
        each for b in blocks for each in b.get("fields", ())
    ]
    assert len(blocks) == 2
    assert all(each["text"].strip() for each in texts)
    assert "region" not in str(texts)


def test_an_id_that_no_header_can_have_is_sent_as_a_hash_of_it_the_same_each_time() -> None:
    notice = Notice("two\r\nlines: æ", {}, (metric("A"),))
    first, again = (RENDERERS["webhook"](OutletSettings("crm"), notice, T0_MS + at, "s").headers for at in (0, 5_000))
    assert first["webhook-id"] == again["webhook-id"]
    assert first["webhook-id"].isalnum()
