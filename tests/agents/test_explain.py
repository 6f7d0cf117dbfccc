"""What a metric means is said in one place."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import app
from stream.errors import CxstreamError
from stream.friction import SIGNALS
from stream.metrics import METRICS, UNITS

FRICTION = Path(__file__).parents[2] / "docs" / "friction.md"
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["explain", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_page_says_what_the_definitions_say() -> None:
    assert PAGE.read_text() == said("--format", "markdown"), "`make docs` writes it anew"


def test_the_page_of_friction_says_what_the_signals_say() -> None:
    assert FRICTION.read_text() == said("friction", "--format", "markdown"), "`make docs` writes it anew"


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_explained_with_its_settings_and_an_example(name: str) -> None:
    text = said(name)
    for threshold, usual in SIGNALS[name].thresholds.items():
        assert f"  {threshold}: {usual}\n" in text
    assert all(f"\n{title}\n" in text for title in ("Settings", "Value", "Example"))
    assert SIGNALS[name].unit in text


def test_friction_is_a_line_for_every_signal() -> None:
    assert len(said("friction").splitlines()) == len(SIGNALS)


def test_without_a_name_every_metric_has_a_line() -> None:
    assert len(said().splitlines()) == len(METRICS)


@pytest.mark.parametrize("name", UNITS)
def test_a_value_is_explained_with_its_formula_and_unit(name: str) -> None:
    text = said(name)
    assert f"{name} = " in text
    assert f"[{UNITS[name]}]" in text
    assert all(f"\n{title}\n" in text for title in ("Formulas", "Counters", "Edge cases", "Source", "Example"))


def test_a_metric_and_its_values_have_the_same_explanation() -> None:
    assert said("nps") == said("nps_score") == said("nps_promoter_ratio")


def test_a_misspelt_name_is_suggested() -> None:
    with pytest.raises(CxstreamError, match=r"there is no metric `nsp`.*nps"):
        said("nsp")
