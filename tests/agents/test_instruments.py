"""The counters of a worker: what may be counted is there before it is, or the first of it would not be seen."""

from agents.instruments import Instruments
from agents.settings import load
from agents.worker import Worker
from schemas.rejected import Reason
from stream.folded import Folded
from stream.friction import SIGNALS
from tests.alerts import friction


def told(health: Instruments, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a counter, by the values of its labels."""
    samples = (sample for found in health.registry.collect() for sample in found.samples)
    return {tuple(each.labels.values()): each.value for each in samples if each.name == name}


def test_friction_and_rejections_begin_at_zero() -> None:
    health = Instruments(signals=["long_wait", "bot_loop"])
    states = [(signal, state) for signal in ("long_wait", "bot_loop") for state in ("firing", "resolved")]
    assert told(health, "cx_friction_total") == dict.fromkeys(states, 0)
    assert told(health, "cx_touchpoints_rejected_total") == {(reason.value,): 0 for reason in Reason}


def test_the_first_case_is_an_increase() -> None:
    alert = friction("ann")
    health = Instruments(signals=[alert.alert])
    before = told(health, "cx_friction_total")[alert.alert, alert.state]
    health.folded(1, Folded(0, 0, alerts=[alert]))
    assert (before, told(health, "cx_friction_total")[alert.alert, alert.state]) == (0, 1)


def test_a_worker_has_the_signals_that_are_on_and_the_alerts_of_its_rules() -> None:
    settings = load(environment={"CXSTREAM_PORT": "0"})
    health = Worker(settings).health
    assert {signal for signal, _ in told(health, "cx_friction_total")} == set(SIGNALS)
    alerts = {alert for alert, _ in told(health, "cx_alert_transitions_total")}
    assert alerts == {rule.alert for rule in settings.rules}
