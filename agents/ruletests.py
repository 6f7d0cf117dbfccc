"""Files that test rules: which rules and settings they name, and what became of their trials."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import Node

from agents.configfile import read
from agents.settings import DEFAULT_RULES, config_of, load_config
from stream.config import Config
from stream.mapping.nodes import Mistakes, compose, entries, is_null, items, text
from stream.rules.rule import Rule
from stream.rules.rulefile import parse, parse_rules
from stream.trials.run import Difference, run
from stream.trials.trial import Trial
from stream.trials.trialfile import TrialFile

_KEYS = ("rule_files", "rules", "settings", "tests")
DEFAULT = "default"
"""How a file names the rules that a worker starts with."""


@dataclass(frozen=True, slots=True)
class RuleTests:
    """The trials of a file, and what they are about."""

    file: Path
    config: Config
    rules: tuple[Rule, ...]
    trials: tuple[Trial, ...]

    def outcomes(self) -> Iterator[tuple[Trial, list[Difference]]]:
        """Each trial, and what differs in it."""
        for trial in self.trials:
            yield trial, run(trial, self.config, self.rules)


def load_tests(file: Path, config: Config) -> RuleTests:
    """A file of tests; ``config`` is that of the settings, where the file has none of its own.

    Raises:
        ConfigError: with all mistakes of the file, or of one that it names.
    """
    origin = str(file)
    mistakes = Mistakes(origin)
    root = compose(read(file), origin, "there are no tests: give it `rule_files:` and `tests:`")
    found = entries(root, "the file", mistakes, _KEYS)
    if "tests" not in found:
        mistakes.add(root, "there are no tests: give it a list under `tests:`")
    if ("rule_files" in found) == ("rules" in found):
        mistakes.add(root, "a file of tests needs either `rule_files:` or `rules:`")
    mistakes.check()
    if "settings" in found:
        config = _config(found["settings"], file, mistakes)
    rules = _rules(found, file, config, mistakes)
    mistakes.check()
    trials = TrialFile(config, rules, lambda name: read(_beside(file, name)), mistakes)
    made = tuple(trials.trial(node) for node in items(found["tests"]))
    mistakes.check()
    return RuleTests(file, config, tuple(rules), made)


def _config(node: Node, file: Path, mistakes: Mistakes) -> Config:
    """A file of settings, or some settings themselves."""
    if isinstance(node.value, str) and not is_null(node):
        name = text(node, "`settings`", mistakes)
        mistakes.check()
        return load_config(_beside(file, name))
    return config_of(node, mistakes)


def _rules(found: dict[str, Node], file: Path, config: Config, mistakes: Mistakes) -> list[Rule]:
    if "rules" in found:
        return parse_rules(found["rules"], config, mistakes)
    rules: list[Rule] = []
    for node in items(found["rule_files"]):
        name = text(node, "`rule_files`", mistakes)
        if not name:
            continue
        path = DEFAULT_RULES if name == DEFAULT else _beside(file, name)
        rules += parse(read(path), str(path), config)
    return rules


def _beside(file: Path, name: str) -> Path:
    return file.parent / name
