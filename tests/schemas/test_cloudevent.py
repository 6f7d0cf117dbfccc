"""An alert's headers are those of a CloudEvent 1.0 in Kafka's binary content mode."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from schemas.alert import AnyAlert, Escalation
from schemas.cloudevent import headers
from tests.schemas.test_alert import FRICTION, METRIC

ESCALATED = replace(FRICTION, escalation=Escalation(reason="due", severity="info"))


@pytest.mark.parametrize(
    ("alert", "kind"),
    [
        (METRIC, "cxstream.alert.firing"),
        (replace(METRIC, state="resolved"), "cxstream.alert.resolved"),
        (ESCALATED, "cxstream.alert.escalated"),
        (replace(ESCALATED, state="resolved"), "cxstream.alert.resolved"),
    ],
)
def test_the_type_says_what_happened(alert: AnyAlert, kind: str) -> None:
    assert dict(headers(alert, "cx"))["ce_type"] == kind.encode()


@pytest.mark.parametrize("at_ms", [0, 1, 1_774_785_600_007, 4_102_444_800_000])
def test_the_required_attributes_are_there_in_their_types(at_ms: int) -> None:
    found = {name: value.decode() for name, value in headers(replace(METRIC, at_ms=at_ms), "cx eu")}
    assert found["ce_specversion"] == "1.0"
    assert found["ce_id"] == METRIC.id
    assert found["ce_subject"] == METRIC.fingerprint
    assert found["content-type"] == "application/json"
    assert re.fullmatch(r"[\x21-\x7e]+", found["ce_source"]), "a URI reference has no spaces"
    assert urlsplit(found["ce_source"]).path.startswith("/cxstream/")
    time = datetime.fromisoformat(found["ce_time"])
    assert time.tzinfo == UTC
    assert round(time.timestamp() * 1_000) == at_ms
    assert found["ce_time"].endswith("Z")


def test_names_are_lower_case_letters_and_digits_after_their_prefix() -> None:
    names = [name for name, _ in headers(METRIC, "cx") if name != "content-type"]
    assert all(re.fullmatch(r"ce_[a-z0-9]{1,20}", name) for name in names)
    assert len(set(names)) == len(names)
