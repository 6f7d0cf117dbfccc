"""One condition of a rule from YAML: a metric, a window, what is compared, and its bounds."""

import math
import re

from yaml.nodes import Node

from stream.config import Config
from stream.mapping.nodes import Mistakes, choice, entries, text
from stream.metrics import DAYS_NEEDED, UNITS
from stream.metrics.lifecycle import Lifecycle
from stream.rules.intervals import has_interval
from stream.rules.rule import Condition, Of
from stream.slices import DAY_MS, EARLIEST_MS, Calendar
from stream.windows import known_window

_SIDES = ("above", "below")
CONDITION_KEYS = ("metric", "window", *_SIDES, "change", "deviation", "recover", "min_samples", "confidence")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_BOUND = re.compile(rf"([+-]?{_NUMBER})(%?)")
_SHARE = re.compile(rf"({_NUMBER})(%?)")
_WHOLE = re.compile("[0-9]{1,9}")
_DEFAULT_WEEKS, _FEWEST_WEEKS, _MOST_WEEKS = 4, 2, 52
_CLOCK = Calendar()
Bound = tuple[float, Of]
"""A number, and what is compared with it."""


def condition(node: Node, given: dict[str, Node], config: Config, mistakes: Mistakes, what: str) -> Condition:
    """What the keys of a mapping say; ``what`` is what it is called."""
    for key in ("metric", "window"):
        if key not in given:
            mistakes.add(node, f"{what} needs `{key}:`")
    metric = choice(given["metric"], "`metric`", mistakes, tuple(UNITS)) if "metric" in given else ""
    window = choice(given["window"], "`window`", mistakes, config.windows) if "window" in given else ""
    is_known = "window" in given and given["window"].value == window
    if is_known:
        _check_days(given, config, mistakes)
    ways = [key for key in (*_SIDES, "change", "deviation") if key in given]
    if len(ways) != 1:
        mistakes.add(node, f"{what} needs one of `above:`, `below:`, `change:` and `deviation:`")
    way = ways[0] if ways else ""
    compared = _compared(given[way], way, mistakes) if way in ("change", "deviation") else given
    side = next((each for each in _SIDES if each in compared), "above")
    found = _bound(compared[side], way, mistakes) if side in compared else None
    bound, of = found or (0.0, "value")
    if of != "value" and is_known:
        _check_window(given, of, config, mistakes)
    return Condition(
        metric=metric,
        window=window,
        side="above" if side == "above" else "below",
        bound=bound,
        recover=_recover(given, way, side, found, mistakes),
        of=of,
        min_samples=_samples(given, mistakes),
        confidence=_confidence(given, metric, of, mistakes),
        weeks=_weeks(compared, mistakes) if of == "deviation" else 0,
    )


def _compared(node: Node, way: str, mistakes: Mistakes) -> dict[str, Node]:
    """``change: {below: -20%}``."""
    given = entries(node, f"`{way}`", mistakes, (*_SIDES, *(("weeks",) if way == "deviation" else ())))
    if len([side for side in _SIDES if side in given]) != 1:
        mistakes.add(node, f"`{way}` needs one of `above:` and `below:`")
    return given


def _bound(node: Node, way: str, mistakes: Mistakes) -> Bound | None:
    """The number, and what it is compared with: a percentage with the relative change."""
    written = text(node, "the bound", mistakes)
    match = _BOUND.fullmatch(written)
    if match is None or (match[2] and way != "change"):
        if written:
            hint = ", or a percentage," if way == "change" else ","
            mistakes.add(node, f"the bound must be a number{hint} not `{written}`")
        return None
    number = float(match[1])
    if not math.isfinite(number):
        mistakes.add(node, "the bound has too many digits: there is no such number")
        return None
    if way == "deviation":
        return number, "deviation"
    if way != "change":
        return number, "value"
    return (number / 100, "relative_change") if match[2] else (number, "change")


def _recover(given: dict[str, Node], way: str, side: str, bound: Bound | None, mistakes: Mistakes) -> float | None:
    """Where it is calm again, written as the bound is."""
    found = _bound(given["recover"], way, mistakes) if "recover" in given else None
    if found is None or bound is None:
        return None
    if found[1] != bound[1]:
        mistakes.add(given["recover"], "`recover` must be written as the bound is: both with `%`, or both without")
    elif (found[0] > bound[0]) if side == "above" else (found[0] < bound[0]):
        calm = "below" if side == "above" else "above"
        mistakes.add(given["recover"], f"`recover` must be on the calm side of the bound, which is {calm} it, or on it")
    return found[0]


def _samples(given: dict[str, Node], mistakes: Mistakes) -> int:
    if "min_samples" not in given:
        return 1
    number = text(given["min_samples"], "`min_samples`", mistakes)
    if _WHOLE.fullmatch(number) and int(number) > 0:
        return int(number)
    if number:
        mistakes.add(given["min_samples"], "`min_samples` must be a whole number, 1 or more")
    return 1


def _weeks(given: dict[str, Node], mistakes: Mistakes) -> int:
    if "weeks" not in given:
        return _DEFAULT_WEEKS
    number = text(given["weeks"], "`weeks`", mistakes)
    if _WHOLE.fullmatch(number) and _FEWEST_WEEKS <= int(number) <= _MOST_WEEKS:
        return int(number)
    if number:
        mistakes.add(given["weeks"], f"`weeks` must be a whole number from {_FEWEST_WEEKS} to {_MOST_WEEKS}")
    return _DEFAULT_WEEKS


def _confidence(given: dict[str, Node], metric: str, of: Of, mistakes: Mistakes) -> float | None:
    if "confidence" not in given:
        return None
    node = given["confidence"]
    written = text(node, "`confidence`", mistakes)
    match = _SHARE.fullmatch(written)
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0.5 <= share <= 0.9999:
        if written:
            mistakes.add(node, f"`confidence` must be a share from 0.5 to 0.9999, such as 0.95 or 95%, not `{written}`")
        return None
    if of != "value":
        mistakes.add(node, f"`confidence` is of a value: it cannot be given for a `{of.split('_')[-1]}`")
    elif metric and not has_interval(metric):
        mistakes.add(
            node,
            f"`{metric}` has no confidence interval, as it is a count, a sum or a rate whose spread is not known: "
            "use `min_samples`",
        )
    return share


def _check_days(given: dict[str, Node], config: Config, mistakes: Mistakes) -> None:
    """Distinct customers are known by whole days only."""
    metric, window = (str(given[key].value) if key in given else "" for key in ("metric", "window"))
    needed = DAYS_NEEDED.get(metric, 0)
    if not needed:
        return
    fit = [name for name in config.windows if known_window(name).by_day and (needed < 2 or name != "day")]
    if window not in fit:
        choose = f"choose a window from {', '.join(fit)}" if fit else "no window of the settings has them"
        mistakes.add(given["window"], f"`{metric}` is known by whole days: {choose}")


def _check_window(given: dict[str, Node], of: Of, config: Config, mistakes: Mistakes) -> None:
    """The slices of the window before must be kept; the hour of the week is nothing to whole days."""
    metric, name = (str(given[key].value) if key in given else "" for key in ("metric", "window"))
    if of == "deviation":
        if known_window(name).by_day:
            fit = [each for each in config.windows if not known_window(each).by_day]
            choose = f"choose a window from {', '.join(fit)}" if fit else "the settings have none"
            mistakes.add(given["window"], f"`deviation` is by the hour, and needs a window that slides: {choose}")
    elif not _is_kept(name, 3 if metric in Lifecycle.values else 2, config):
        fit = [each for each in config.windows if _is_kept(each, 2, config)]
        choose = f"choose a window from {', '.join(fit)}" if fit else "choose a shorter one in the settings"
        mistakes.add(given["window"], f"`change`: of the window before `{name}`, the slices are not kept: {choose}")


def _is_kept(name: str, times: int, config: Config) -> bool:
    """Whether the slices of so many windows in a row are kept."""
    window = known_window(name)
    start_ms, end_ms = window.interval(_CLOCK, EARLIEST_MS + 31 * DAY_MS)
    return times * (end_ms - start_ms) <= config.retention_ms[window.slice_ms]
