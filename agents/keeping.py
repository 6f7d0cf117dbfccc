"""How long customers and cases are kept: long enough for all that still looks at them."""

from collections.abc import Mapping

from yaml.nodes import Node

from stream.cases import KINDS
from stream.config import Config
from stream.mapping.nodes import Mistakes, items, whole
from stream.personas import Inactive, Within
from stream.slices import DAY_MS, EARLIEST_MS
from stream.windows import known_window

KEYS = tuple(f"{what}_days" for what in ("customer", *(kind.title for kind in KINDS)))
"""The settings that say it."""
_FEWEST_DAYS = 33


def days_as_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    """A number of days, in milliseconds, that is enough for every usual window."""
    before = mistakes.problems()
    days = whole(node, what, mistakes)
    if days < _FEWEST_DAYS and mistakes.problems() == before:
        mistakes.add(node, f"{what} must be at least {_FEWEST_DAYS}, as a window may be a month")
    return days * DAY_MS


def check(nodes: Mapping[str, Node], config: Config, mistakes: Mistakes) -> None:
    """What is forgotten sooner could still have changed what a window reads, or lapsed."""
    if config.lapse_ms >= config.kept("customer"):
        days = config.kept("customer") // DAY_MS
        node = nodes.get("lapse_days") or nodes["customer_days"]
        mistakes.add(node, f"`lapse_days` must be less than the {days} for which a customer is kept (`customer_days`)")
    for node, persona in zip(items(nodes["personas"]) if config.personas else (), config.personas, strict=True):
        days = max((each.days for each in persona.conditions if isinstance(each, Within | Inactive)), default=0)
        if days * DAY_MS >= config.kept("customer"):
            kept = config.kept("customer") // DAY_MS
            mistakes.add(node, f"`{persona.name}` looks back {days} days; a customer is kept for {kept}")
    longest_ms = max(*config.targets["first_reply"].values(), *config.targets["resolution"].values())
    for key, later_ms, kinds in (
        ("targets", longest_ms, ("ticket",)),
        ("confirm_days", config.confirm_ms, ("ticket", "topic")),
    ):
        for kind in kinds:
            if later_ms >= config.kept(kind):
                node = nodes.get(key) or nodes[f"{kind}_days"]
                days = config.kept(kind) // DAY_MS
                mistakes.add(
                    node, f"`{key}` must be less than the {days} days for which a {kind} is kept (`{kind}_days`)"
                )
    for name in config.windows:
        start_ms, end_ms = known_window(name).interval(config.calendar, EARLIEST_MS)
        fewest = -((start_ms - end_ms) // DAY_MS) + 2
        for key in KEYS:
            if key in nodes and fewest > _FEWEST_DAYS and whole(nodes[key], key, Mistakes("")) < fewest:
                mistakes.add(nodes[key], f"`{key}` must be at least {fewest}, as there is a window of `{name}`")
