"""What rules would have told, on a file of touchpoints: the command, its formats and what it says beside them."""

import csv
import io
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from agents.cli import app
from agents.clock import now_ms
from agents.simulator import Incident, Kind, Population, encode
from stream.errors import CxstreamError
from stream.slices import MINUTE_MS

START = 1_773_964_800_000
RULES = """\
rules:
  - {alert: Fails, metric: payment_failure_ratio, window: 5m, above: 0.3, min_samples: 5, by: [channel], for: 1m}
  - {alert: Never, metric: touchpoints, window: 1h, above: 1000000}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of an hour in which the web checkout breaks, in half an hour."""
    folder = tmp_path_factory.mktemp("backtest")
    broken = Incident(Kind.BROKEN_CHECKOUT, START + 10 * MINUTE_MS, START + 20 * MINUTE_MS)
    population = Population(2, 200, START, 30 * MINUTE_MS, incidents=[broken])
    (folder / "events.ndjson").write_bytes(b"\n".join(each.value or b"" for each in encode(population)) + b"\nbad\n")
    (folder / "rules.yaml").write_text(RULES)
    return folder


def backtest(folder: Path, *options: str) -> str:
    given = ["rules", "backtest", str(folder / "rules.yaml"), "--events", str(folder / "events.ndjson"), *options]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    assert result.exit_code == 0
    assert "left out 1 records" in result.stderr
    return result.stdout


def test_it_counts_what_would_have_fired_by_alert_and_segment(folder: Path) -> None:
    found = orjson.loads(backtest(folder, "--format", "json"))
    (fails,) = found["alerts"]
    assert (fails["alert"], fails["labels"], fails["goes_on"]) == ("Fails", {"channel": "web"}, False)
    assert 10 * MINUTE_MS < fails["first"] - START < 16 * MINUTE_MS
    assert 5 * 60 < fails["total_seconds"] < 18 * 60
    assert found["friction"]["payment_failed"]["times"] >= found["friction"]["payment_failed"]["customers"] > 5
    assert [each["alert"] for each in found["rules"]] == ["Fails", "Never"]


def test_only_the_stretch_that_is_asked_for_counts(folder: Path) -> None:
    early = orjson.loads(backtest(folder, "--format", "json", "--to", "2026-03-20T00:10:00Z"))
    assert early["alerts"] == []
    within = orjson.loads(
        backtest(folder, "--format", "json", "--from", "2026-03-20T00:17:00Z", "--to", "2026-03-20T00:18:00Z")
    )
    (fails,) = within["alerts"]
    assert (fails["total_seconds"], fails["goes_on"], fails["first"]) == (60, True, within["from"])


def test_for_people_and_for_spreadsheets_it_is_the_same(folder: Path) -> None:
    table = backtest(folder)
    assert "channel=web" in table
    assert "1 rules would have fired, 1 not" in table
    (row,) = csv.DictReader(io.StringIO(backtest(folder, "--format", "csv")))
    (fails,) = orjson.loads(backtest(folder, "--format", "json"))["alerts"]
    assert float(row["total_seconds"]) == fails["total_seconds"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--events", "x", "--touchpoints"], "leave one out"),
        (["--events", "x", "--from", "2026-03-02", "--to", "2026-03-01"], "the range is empty"),
        (["--events", "nowhere.ndjson"], "cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(folder: Path, options: list[str], told: str) -> None:
    with pytest.raises(CxstreamError, match=told):
        CliRunner().invoke(app, ["rules", "backtest", str(folder / "rules.yaml"), *options], catch_exceptions=False)


def touchpoint(name: str, time_ms: int) -> str:
    return f'{{"type":"chat.started","id":"{name}","time":{time_ms},"customer":"{name}","channel":"web"}}\n'


@pytest.mark.parametrize(
    "wrong",
    [
        '{"time":1767225600000000}\n',
        '{"time":99999999999999999999}\n',
        '{"time":5}\n',
        touchpoint("old", 5),
        touchpoint("far", 1767225600000000),
        touchpoint("future", now_ms() + 86_400_000),
    ],
    ids=["far and no touchpoint", "too many digits", "1970 and no touchpoint", "1970", "far", "tomorrow"],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_wrong_clock_is_left_out_and_moves_no_time(wrong: str, place: int, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules: [{alert: Any, metric: touchpoints, window: 5m, above: 0}]\n")
    lines = [touchpoint("a", START), touchpoint("b", START + MINUTE_MS)]
    (tmp_path / "events.ndjson").write_text("".join([*lines[:place], wrong, *lines[place:]]))
    found = orjson.loads(backtest(tmp_path, "--format", "json"))
    assert (found["from"], found["to"]) == (START, START + MINUTE_MS + 1)
    (fired,) = found["alerts"]
    assert fired["first"] - START < MINUTE_MS
