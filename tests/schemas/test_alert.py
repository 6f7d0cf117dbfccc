"""What stands on the topic of alerts."""

import pytest
from msgspec import DecodeError, json, structs

from schemas.alert import AnyAlert, Evidence, FrictionAlert, MetricAlert, decode_alert
from schemas.handling import decode_handling

METRIC = MetricAlert(
    id="f-1-firing",
    fingerprint="f",
    alert="LowCsat",
    state="firing",
    severity="warning",
    labels={"channel": "web"},
    sequence=1,
    since_ms=1,
    at_ms=2,
    metric="csat_score",
    window="1h",
    condition="below",
    bound=7.0,
    value=None,
    samples=0,
)
FRICTION = FrictionAlert(
    id="g-1-firing",
    fingerprint="g",
    alert="repeat_contact",
    state="firing",
    severity="warning",
    labels={"region": "eu"},
    sequence=1,
    since_ms=1,
    at_ms=2,
    customer="ann",
    value=3.0,
    bound=3.0,
    evidence=(Evidence(id="e1", type="chat.started", time_ms=1, channel="chat"),),
)


@pytest.mark.parametrize("alert", [METRIC, FRICTION])
def test_an_alert_says_what_kind_it_is(alert: AnyAlert) -> None:
    assert decode_alert(json.encode(alert)) == alert


def test_an_alert_of_an_earlier_release_is_about_a_metric() -> None:
    fields = {name: value for name, value in structs.asdict(METRIC).items() if not name.endswith("_ms")}
    assert decode_alert(json.encode({**fields, "since": 1, "at": 2})) == METRIC


NONE = [b"{}", b"[]", b'{"kind":"friction"}', b'{"kind":"other"}', b"\xff", b""]
NO_TEXT = b'{"kind":"acknowledgement","by":"\xff"}'
DEEP = b'{"kind":"silence","more":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


@pytest.mark.parametrize("data", [*NONE, NO_TEXT, DEEP])
def test_what_is_no_alert_and_no_handling_is_an_error(data: bytes) -> None:
    for decode in (decode_alert, decode_handling):
        with pytest.raises(DecodeError):
            decode(data)


@pytest.mark.parametrize("time_ms", [-1, 253_402_300_800_000, 10**18])
@pytest.mark.parametrize("name", ["since_ms", "at_ms"])
def test_a_time_that_is_no_date_makes_a_record_no_alert(name: str, time_ms: int) -> None:
    for alert in (METRIC, FRICTION):
        with pytest.raises(DecodeError, match="is no time"):
            decode_alert(json.encode(structs.replace(alert, **{name: time_ms})))
    with pytest.raises(DecodeError, match="is no time"):
        decode_alert(json.encode(structs.replace(FRICTION, due_ms=time_ms)))
