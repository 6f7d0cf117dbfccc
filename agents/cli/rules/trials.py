"""``cxstream rules test``: do rules fire when they should, and only then?"""

from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import json

from agents.cli.options import Format, SettingsFile
from agents.ruletests import RuleTests, load_tests
from agents.settings import load_config
from stream.rules.shown import duration
from stream.trials.run import Difference


def trials(
    files: Annotated[list[Path], typer.Argument(help="Files of tests.", metavar="FILE…")],
    output: Format = "table",
    settings_file: SettingsFile = None,
) -> None:
    """Run tests of rules, in the way of promtool's, in the engine that workers run; exit code 1 where one fails."""
    config = load_config(settings_file)
    found = [outcome for tests in [load_tests(file, config) for file in files] for outcome in _run(tests)]
    if output == "json":
        typer.echo(json.encode(found))
    else:
        _show(found)
    if any(each["differences"] for each in found):
        raise typer.Exit(1)


def _run(tests: RuleTests) -> list[dict[str, Any]]:
    return [
        {
            "file": str(tests.file),
            "line": trial.line,
            "test": trial.name,
            "differences": [_plain(each) for each in differences],
        }
        for trial, differences in tests.outcomes()
    ]


def _plain(each: Difference) -> dict[str, Any]:
    return {"line": each.line, "at_seconds": each.at_ms / 1000, "what": each.what}


def _show(found: list[dict[str, Any]]) -> None:
    """A line for each difference, under its test; then how many there were."""
    for outcome in found:
        if outcome["differences"]:
            typer.secho(f"FAILED {outcome['file']}:{outcome['line']}: {outcome['test']}", fg="red")
        for each in outcome["differences"]:
            after = duration(each["at_seconds"]) if each["at_seconds"] else "0s"
            typer.echo(f"  {outcome['file']}:{each['line']}: after {after}: {each['what']}")
    failed = sum(1 for outcome in found if outcome["differences"])
    typer.secho(f"{len(found)} tests: {len(found) - failed} passed, {failed} failed", fg="red" if failed else "green")
