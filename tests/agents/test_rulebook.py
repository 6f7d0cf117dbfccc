"""The rule file while a worker runs: changes are taken over, mistakes are refused whole."""

from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from agents.instruments import Instruments
from agents.rulebook import RuleBook
from agents.settings import load

ONE = "rules:\n  - {alert: A, metric: touchpoints, window: 5m, above: 3}\n"
TWO = ONE + "  - {alert: B, metric: touchpoints, window: 5m, above: 4}\n"
BAD = TWO + "  - {alert: C, metric: nothing, window: never}\n"


class Desk:
    """A rule file, and the book that is read from it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rules.yaml"
        self.file.write_text(ONE)
        self.health = Instruments()
        self.book = RuleBook(load(environment={}, rules_file=self.file), self.health)

    @property
    def names(self) -> list[str]:
        return [rule.alert for rule in self.book.rules]

    def gauge(self, name: str) -> float | None:
        return self.health.registry.get_sample_value(name)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    structlog.reset_defaults()
    desk = Desk(tmp_path)
    assert not desk.book.look()
    return desk


def test_a_file_that_has_not_changed_is_not_read_again(desk: Desk) -> None:
    with capture_logs() as logs:
        assert [desk.book.look() for _ in range(3)] == [False] * 3
    assert (desk.names, logs) == (["A"], [])
    assert (desk.gauge("cx_rules"), desk.gauge("cx_rules_valid")) == (1, 1)


def test_what_changed_between_the_settings_and_the_first_look_is_not_missed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.file.write_text(TWO)
    assert desk.book.look()


def test_a_file_that_has_changed_is_taken_over(desk: Desk) -> None:
    desk.file.write_text(TWO)
    assert [desk.book.look(), desk.book.look()] == [True, False]
    assert desk.names == ["A", "B"]
    assert desk.gauge("cx_rules") == 2


def test_counters_of_its_alerts_begin_at_zero_when_a_rule_is_taken_over(desk: Desk) -> None:
    desk.file.write_text(TWO)
    desk.book.look()
    told = [
        desk.health.registry.get_sample_value("cx_alert_transitions_total", {"alert": alert, "state": state})
        for alert in ("A", "B")
        for state in ("firing", "resolved")
    ]
    assert told == [0] * 4


def test_another_text_with_the_same_rules_is_no_news(desk: Desk) -> None:
    desk.file.write_text(ONE + "# that is all\n")
    assert not desk.book.look()
    assert desk.names == ["A"]


def test_a_file_with_mistakes_is_refused_whole_and_said_once_with_all_of_them(desk: Desk) -> None:
    loaded = desk.gauge("cx_rules_loaded_seconds")
    desk.file.write_text(BAD)
    with capture_logs() as logs:
        assert [desk.book.look() for _ in range(3)] == [False] * 3
    (entry,) = logs
    assert (entry["event"], entry["log_level"]) == ("rules.refused", "error")
    assert len(entry["problems"]) == 3
    assert all(str(desk.file) in problem for problem in entry["problems"])
    assert desk.names == ["A"]
    assert (desk.gauge("cx_rules_valid"), desk.gauge("cx_rules_loaded_seconds")) == (0, loaded)


def test_a_file_that_was_mended_is_valid_again(desk: Desk) -> None:
    desk.file.write_text(BAD)
    desk.book.look()
    desk.file.write_text(TWO)
    assert desk.book.look()
    assert desk.gauge("cx_rules_valid") == 1


def test_a_file_that_was_put_back_as_it_was_is_valid_again(desk: Desk) -> None:
    desk.file.write_text(BAD)
    desk.book.look()
    desk.file.write_text(ONE)
    assert not desk.book.look()
    assert desk.gauge("cx_rules_valid") == 1


def test_a_file_that_is_gone_is_refused(desk: Desk) -> None:
    desk.file.unlink()
    with capture_logs() as logs:
        assert not desk.book.look()
    assert [entry["event"] for entry in logs] == ["rules.refused"]
    assert (desk.names, desk.gauge("cx_rules_valid")) == (["A"], 0)


def test_a_file_is_read_again_when_asked_to_be(desk: Desk) -> None:
    with capture_logs() as logs:
        assert not desk.book.look(again=True)
    assert [entry["event"] for entry in logs] == ["rules.loaded"]
