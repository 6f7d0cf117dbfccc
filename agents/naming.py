"""What metrics and dimensions are called in Prometheus: base units in names, and no label twice."""

import re
from collections.abc import Iterable

from stream.metrics import METRICS, UNITS
from stream.metrics.definition import define

WINDOW, CUT, BOUND = "window", "cut", "le"
"""Labels that every series of a metric has, and that of a histogram's buckets."""
TOTAL = "total"
"""The cut of everybody, by no dimension."""
_TAKEN = frozenset({WINDOW, CUT, BOUND, "quantile", "instance", "job"})
_SUFFIXES = {"ratio": "_ratio", "seconds": "_seconds", "money": "_minor_units"}
_TOLD = frozenset({"ratio", "seconds"})
"""Units that OpenMetrics is told, as names end with them."""
_MEAN = "_mean_seconds"


def family(value: str) -> str:
    """The name of a value's series.

    >>> family("fcr_ratio"), family("conversion_rate"), family("revenue"), family("messages_per_ticket")
    ('cx_first_contact_resolution_ratio', 'cx_conversion_ratio', 'cx_revenue_minor_units', 'cx_messages_per_ticket')
    """
    stem = re.sub("^fcr_", "first_contact_resolution_", re.sub("_rate$", "_ratio", value))
    suffix = _SUFFIXES.get(UNITS[value], "")
    return f"cx_{stem}" if stem.endswith(suffix) else f"cx_{stem}{suffix}"


def histogram(value: str) -> str | None:
    """The name of the distribution that belongs to a mean of durations; None for other values.

    >>> histogram("resolution_mean_seconds"), histogram("resolution_p50_seconds")
    ('cx_resolution_seconds', None)
    """
    return f"cx_{value.removesuffix(_MEAN)}_seconds" if value.endswith(_MEAN) else None


def helps() -> dict[str, str]:
    """What is said of each value: the formula of its definition, and the unit."""
    formulas = {name: text for metric in METRICS for name, text in define(metric).formulas.items()}
    return {name: f"{formulas[name]}. Unit: {unit}" for name, unit in UNITS.items()}


def unit(name: str) -> str:
    """The unit that OpenMetrics is told of a family; empty where there is none.

    >>> unit("cx_resolution_seconds"), unit("cx_purchases")
    ('seconds', '')
    """
    last = name.rpartition("_")[2]
    return last if last in _TOLD else ""


def label_names(dimensions: Iterable[str]) -> dict[str, str]:
    """The label of each dimension: its name, without what labels may not have, and none twice.

    >>> label_names(["channel", "sales team", "sales-team", "window"])
    {'channel': 'channel', 'sales team': 'sales_team', 'sales-team': 'sales_team_', 'window': 'window_'}
    """
    found: dict[str, str] = {}
    for dimension in dimensions:
        label = re.sub("[^a-zA-Z0-9_]", "_", dimension)
        label = f"label{label}" if re.match("[0-9]|__", label) else label
        while label in _TAKEN or label in found.values():
            label += "_"
        found[dimension] = label
    return found


def escaped(value: str) -> str:
    r"""A label's value as text formats write it.

    >>> print(escaped('a "b"'))
    a \"b\"
    """
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
