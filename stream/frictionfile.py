"""How signals of friction are set, from YAML: every mistake at once, each with its line and what to do."""

from collections.abc import Mapping

from yaml.nodes import MappingNode, Node

from stream.config import Config
from stream.friction import SIGNALS, signals
from stream.friction.mark import MOST
from stream.friction.signal import FOREVER_MS, SEVERITIES, Signal
from stream.mapping.nodes import Mistakes, choice, entries, positive, whole
from stream.slices import DAY_MS, HOUR_MS
from stream.tuning import Tuning

_MEASURES = ("ms", "minutes", "hours", "days")
"""How thresholds end that are no numbers of touchpoints."""
_MOST = MOST // 3
_OFF = Tuning(on=False)


def parse(node: Node, what: str, mistakes: Mistakes) -> dict[str, Tuning]:
    """Signals by name, each `off`, `on`, or with what is to be otherwise than usual; ``what`` they are called."""
    return {
        name: _tuning(value, SIGNALS[name], mistakes) for name, value in entries(node, what, mistakes, SIGNALS).items()
    }


def _tuning(node: Node, signal: type[Signal], mistakes: Mistakes) -> Tuning:
    what = f"`{signal.name}`"
    if not isinstance(node, MappingNode):
        return _OFF if choice(node, what, mistakes, ("on", "off")) == "off" else Tuning()
    given = entries(node, what, mistakes, ("severity", "cooldown_hours", *signal.thresholds))
    severity = given.pop("severity", None)
    cooldown = given.pop("cooldown_hours", None)
    return Tuning(
        severity=None if severity is None else choice(severity, f"{what}: `severity`", mistakes, SEVERITIES),
        cooldown_ms=None if cooldown is None else whole(cooldown, f"{what}: `cooldown_hours`", mistakes) * HOUR_MS,
        thresholds={name: _threshold(value, signal, name, mistakes) for name, value in given.items()},
    )


def _threshold(node: Node, signal: type[Signal], name: str, mistakes: Mistakes) -> int:
    what = f"`{signal.name}`: `{name}`"
    number = positive(node, what, mistakes)
    most = signal.limits.get(name, FOREVER_MS if name.endswith(_MEASURES) else _MOST)
    if number > most:
        mistakes.add(node, f"{what} must be at most {most}: more are not remembered")
    return number


def check(nodes: Mapping[str, Node], config: Config, mistakes: Mistakes) -> None:
    """Whoever is forgotten sooner than a signal looks back would be judged by a part of what it asks for."""
    kept_ms = config.kept("customer")
    node = next((nodes[key] for key in ("friction", "targets", "customer_days") if key in nodes), None)
    for signal in signals(config):
        if node is not None and signal.horizon_ms >= kept_ms:
            back, days = -(-signal.horizon_ms // DAY_MS), kept_ms // DAY_MS
            why = f"`{signal.name}` looks back {back} days; a customer is kept for {days} (`customer_days`)"
            mistakes.add(node, why)
