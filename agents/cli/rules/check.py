"""``cxstream rules check``: is a rule file right, and what does it look at?"""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agents.cli.options import Format, SettingsFile
from agents.cli.question import label
from agents.cli.tables import print_table
from agents.configfile import read
from agents.settings import load, load_config
from stream.config import Config
from stream.errors import ConfigError
from stream.rules.rule import Rule, dimensions
from stream.rules.rulefile import parse


def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files; without any, that of the settings.", metavar="FILE…")
    ] = None,
    output: Format = "table",
    settings_file: SettingsFile = None,
) -> None:
    """Validate rule files against the settings: all mistakes at once; then what each rule looks at."""
    config = load_config(settings_file)
    files = files or [load(settings_file).rules_file]
    found = [(file, rule) for file, rules in _parsed(files, config) for rule in rules]
    if output == "json":
        typer.echo(json.encode([_plain(file, rule, config) for file, rule in found]))
        return
    table = Table("alert", "severity", "metrics", "windows", "alerts for", box=SIMPLE_HEAD, pad_edge=False)
    for _, rule in found:
        metrics, windows = (", ".join(each) for each in (_metrics(rule), _windows(rule)))
        table.add_row(rule.alert, rule.severity, metrics, windows, _segments(rule))
    print_table(table)
    watched = {name for _, rule in found for name in _metrics(rule)}
    typer.echo(
        f"{len(found)} rules on {len(watched)} metrics in {len(files)} {'file' if len(files) == 1 else 'files'}: valid"
    )


def _parsed(files: list[Path], config: Config) -> list[tuple[Path, list[Rule]]]:
    """The rules of each file.

    Raises:
        ConfigError: with the mistakes of all of them.
    """
    found, problems = [], []
    for file in files:
        try:
            found.append((file, parse(read(file), str(file), config)))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def _metrics(rule: Rule) -> list[str]:
    return list(dict.fromkeys(each.metric for each in rule.conditions))


def _windows(rule: Rule) -> list[str]:
    return list(dict.fromkeys(each.window for each in rule.conditions))


def _segments(rule: Rule) -> str:
    """What a rule has alerts for."""
    where = label(rule.segment)
    each = " and ".join(f"each {name}" for name in rule.by)
    return " in ".join(part for part in (each, where if rule.segment or not each else "") if part)


def _plain(file: Path, rule: Rule, config: Config) -> dict[str, object]:
    return {
        "file": str(file),
        "alert": rule.alert,
        "severity": rule.severity,
        "metrics": _metrics(rule),
        "windows": _windows(rule),
        "where": dict(rule.segment),
        "by": list(rule.by),
        "segmentation": list(next(names for names in config.segmentations if set(names) == dimensions(rule))),
    }
