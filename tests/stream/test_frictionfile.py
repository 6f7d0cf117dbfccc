"""Signals of friction in the settings: what is not given is as usual, mistakes come all at once."""

from pathlib import Path

import pytest

from agents.settings import load
from stream.errors import ConfigError
from stream.slices import HOUR_MS
from stream.tuning import Tuning


def loaded(folder: Path, yaml: str) -> dict[str, Tuning]:
    file = folder / "cxstream.yaml"
    file.write_text(yaml)
    return dict(load(file, {}).config.friction)


def test_what_is_given_is_set_and_the_rest_is_as_usual(tmp_path: Path) -> None:
    yaml = """
friction:
  repeat_contact: {contacts: 4, severity: critical, cooldown_hours: 2}
  slow_page: off
  app_crash: on
"""
    assert loaded(tmp_path, yaml) == {
        "repeat_contact": Tuning(severity="critical", cooldown_ms=2 * HOUR_MS, thresholds={"contacts": 4}),
        "slow_page": Tuning(on=False),
        "app_crash": Tuning(),
    }


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("[]", "must be a mapping"),
        ("{repeat_contacts: off}", "did you mean `repeat_contact`"),
        ("{repeat_contact: maybe}", "`repeat_contact` cannot be `maybe`"),
        ("{repeat_contact: {contact: 3}}", "did you mean `contacts`"),
        ("{repeat_contact: {contacts: 0}}", "`repeat_contact`: `contacts` must be at least 1"),
        ("{repeat_contact: {contacts: many}}", "`repeat_contact`: `contacts` must be a whole number"),
        ("{repeat_contact: {contacts: 33}}", "must be at most 32"),
        ("{churn_risk: {reasons: 4}}", "must be at most 3"),
        ("{repeat_contact: {severity: bad}}", "`repeat_contact`: `severity` cannot be `bad`"),
        ("{repeat_contact: {cooldown_hours: -1}}", "`cooldown_hours` must be a whole number"),
        ("{hard_answer: {open_hours: 19248}}", "`hard_answer` looks back 802 days; a customer is kept for 802"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, yaml: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, f"friction:\n  {yaml}\n")
    assert said in str(error.value)
    assert "cxstream.yaml:2:" in str(error.value)


def test_mistakes_come_all_at_once(tmp_path: Path) -> None:
    yaml = "friction:\n  slow_page: no\n  app_crash: {times: 0}\n"
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, yaml)
    assert "cxstream.yaml:2:" in str(error.value)
    assert "cxstream.yaml:3:" in str(error.value)


def test_a_customer_must_be_kept_for_as_long_as_signals_look_back(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`ticket_overdue` looks back"):
        loaded(tmp_path, "customer_days: 33\nlapse_days: 30\ntargets: {resolution: {low: 43200}}\n")
