"""A guard: a few hours of a simulated day, with one incident. The whole days are in docs/rules.md."""

import pytest

from tests.bench.detection import Felt, Found, run

HOURS = 4


@pytest.fixture(scope="module")
def outcome() -> dict[str, Found | Felt]:
    return {found.name: found for found in run(21, HOURS)}


def test_the_incident_is_found_in_minutes_and_nothing_else_is_told(outcome: dict[str, Found | Felt]) -> None:
    found = outcome["default"]
    assert isinstance(found, Found)
    assert (found.found, found.incidents, found.false) == (1, 1, {})
    assert found.median_delay is not None
    assert 0 < found.median_delay < 15


def test_without_guards_much_else_is_told(outcome: dict[str, Found | Felt]) -> None:
    found = outcome["naive"]
    assert isinstance(found, Found)
    assert found.found == 1
    assert found.false_a_day > 50


def test_the_customers_in_it_feel_it_much_more_often_than_else(outcome: dict[str, Found | Felt]) -> None:
    found = outcome["friction"]
    assert isinstance(found, Felt)
    assert found.felt == 1
    assert found.times is not None
    assert found.times > 2
