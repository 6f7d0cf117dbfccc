"""The counters of a desk: they begin at zero, and of two desks only the one at work says what is open and waits."""

import pytest

from agents.desk.instruments import DeskInstruments


@pytest.fixture
def health() -> DeskInstruments:
    return DeskInstruments(["crm", "slack"])


@pytest.mark.parametrize("what", ["sent", "failed", "retried", "dropped", "faults"])
def test_what_is_counted_of_outlets_begins_at_zero(health: DeskInstruments, what: str) -> None:
    found = [health.registry.get_sample_value(f"cx_outlet_{what}_total", {"outlet": name}) for name in ("crm", "slack")]
    assert found == [0, 0]


@pytest.mark.parametrize("reason", ["due", "unacknowledged"])
def test_escalations_begin_at_zero(health: DeskInstruments, reason: str) -> None:
    assert health.registry.get_sample_value("cx_alert_escalations_total", {"reason": reason}) == 0


def test_one_that_stands_by_says_no_longer_what_is_open_and_what_waits(health: DeskInstruments) -> None:
    health.works()
    health.stand({})
    health.open.labels("active").set(3)
    health.waiting.labels("crm").set(7)
    health.stands_by()
    assert health.registry.get_sample_value("cx_desk_active") == 0
    assert health.registry.get_sample_value("cx_alerts_open", {"status": "active"}) is None
    assert health.registry.get_sample_value("cx_outlet_waiting", {"outlet": "crm"}) == 0
