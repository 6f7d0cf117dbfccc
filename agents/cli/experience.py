"""``cxstream experience``: success, effort and feeling at each touchpoint, side by side."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, FormatOrCsv, From, SettingsFile, To, Where, Window
from agents.cli.question import ask_once
from agents.cli.tables import bar, plain, print_table
from agents.reader import printable
from agents.settings import load
from stream.config import Config
from stream.errors import CxstreamError
from stream.metrics import Value
from stream.rules.shown import shown

_TOUCHPOINT = "touchpoint"
_VALUES = {
    "goal_success_rate": "tasks_tried",
    "ces_score": "ces_answers",
    "ces_easy_ratio": None,
    "csat_normalized_score": "csat_answers",
    "csat_satisfied_ratio": None,
}
"""What is shown of a touchpoint, and what the number is called that it rests on."""
_FELT = (
    ("ces_score", "ces_easy_ratio", "ces_answers"),
    ("csat_normalized_score", "csat_satisfied_ratio", "csat_answers"),
)
_BAR = 10


def experience(
    window: Window = None,
    start: From = None,
    end: To = None,
    where: Where = None,
    output: FormatOrCsv = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show each touchpoint's tasks tried and done (goals), effort (CES) and feeling (CSAT); a dash (null) is no data.

    It needs numbers by touchpoint: that dimension among the `segments` of the settings.
    """
    settings = load(settings_file, bootstrap=bootstrap)
    config = settings.config
    _check(config, where or [])
    asked = ask_once(config, window, (start, end), where or [], by=[_TOUCHPOINT])
    look = asked.look(settings, "experience")
    rows = []
    for segment in look.ledger.segments():
        row = _row(dict(segment)[_TOUCHPOINT], look.ledger.values(segment, look.span))
        if any(value for name, value in row.items() if name != _TOUCHPOINT):
            rows.append(row)
    rows.sort(key=lambda row: (-row["tasks_tried"], -row["ces_answers"] - row["csat_answers"], row[_TOUCHPOINT]))
    if look.ledger.is_capped:
        told = f"there were over {config.max_segments:,} touchpoints"
        typer.echo(f"experience: {told}: those that came later are counted as `other`", err=True)
    if output == "json":
        what = {"from": look.span.start_ms, "to": look.span.end_ms, "segment": asked.where}
        typer.echo(orjson.dumps(what | {"touchpoints": rows}))
    elif output == "csv":
        _write(rows)
    else:
        _show(rows)
        typer.echo(look.said(tuple(asked.where.items()), config.calendar))


def _check(config: Config, where: Sequence[str]) -> None:
    """Make sure that numbers are kept by touchpoint, within what is asked for.

    Raises:
        CxstreamError: they are not; it says what to set.
    """
    names = dict.fromkeys([*(text.partition("=")[0] for text in where if "=" in text), _TOUCHPOINT])
    if not any(set(names) == set(known) for known in config.segmentations):
        raise CxstreamError(
            f"numbers are not kept by {' and '.join(names)}: add [{', '.join(names)}] to `segments` in the settings "
            "of the workers and of this command; they count so from then on"
        )


def _row(touchpoint: str, values: Mapping[str, Value]) -> dict[str, Any]:
    """What there is of a touchpoint, by name: values are None, and what they rest on is 0, where there is no data."""
    row: dict[str, Any] = {_TOUCHPOINT: touchpoint}
    for name, samples in _VALUES.items():
        value = values.get(name)
        if samples is not None:
            row[samples] = 0 if value is None else value.samples
        row[name] = None if value is None else value.value
    return row


def _write(rows: list[dict[str, Any]]) -> None:
    """Comma-separated values, one line for each touchpoint."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(_row("", {}))
    for row in rows:
        lines.writerow(plain(each) if isinstance(each, float) else each for each in row.values())  # None is empty


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(_TOUCHPOINT, no_wrap=True)
    for title in ("tried", "success", "", "CES", "easy", "", "answers", "CSAT", "satisfied", "", "answers"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for row in rows:
        table.add_row(Text(printable(row[_TOUCHPOINT])), *_cells(row))
    print_table(table)


def _cells(row: Mapping[str, Any]) -> Iterator[Text]:
    """Three shares with their bars: of tasks done, of answers that found it easy, and of satisfied ones."""
    yield Text(f"{row['tasks_tried']:,}", "dim")
    yield from _share(row["goal_success_rate"])
    for score, share, answers in _FELT:
        yield Text("–" if row[score] is None else shown(row[score], "score"))
        yield from _share(row[share])
        yield Text(f"{row[answers]:,}", "dim")


def _share(share: float | None) -> tuple[Text, Text]:
    if share is None:
        return Text("–"), Text("")
    return Text(shown(share, "ratio")), Text(bar(min(share, 1), 1, _BAR), "cyan")
