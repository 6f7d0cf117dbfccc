"""A short chaos run comes to the same numbers; one with a broken order of commits does not, so the suite can see it."""

import asyncio

from agents.brokers import Broker
from tests.chaos.run import Plan, Report, run


def chaos(plan: Plan) -> Report:
    return asyncio.run(run(plan))


def test_faults_change_no_number(kafka: Broker) -> None:
    del kafka  # a broker of its own, that may be killed; skipped or demanded like any other test on Kafka
    report = chaos(Plan(seed=1, minutes=0.4))
    assert report.verdict.differences == []
    assert (report.verdict.lost, report.verdict.doubled) == (0, 0)
    assert report.faults["kill"] >= 2
    assert report.faults["broker"] >= 1


def test_state_after_acknowledgement_is_found_out(kafka: Broker) -> None:
    del kafka
    between = {"kill:after-output": 0.5}  # where the order matters, and often enough for a short run
    report = chaos(Plan(seed=2, minutes=0.3, module="tests.chaos.hasty", points=between))
    assert report.faults["kill after-output"] >= 1
    assert report.verdict.lost > 0
    assert not report.verdict.equal
