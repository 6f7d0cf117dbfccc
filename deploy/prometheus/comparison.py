"""Recording rules for metrics against the period before: what they were one window ago is not to be asked each time."""

from collections.abc import Iterator
from typing import Any

import yaml

WINDOWS = ("1h", "1d", "7d", "30d")
"""Those that are a duration, so that there is a period before."""
COMPARED = (
    "cx_ces_score",
    "cx_csat_satisfied_ratio",
    "cx_nps_score",
    "cx_first_contact_resolution_ratio",
    "cx_resolution_mean_seconds",
    "cx_active_customers",
)
_HEAD = "# Made by `make docs` from deploy/prometheus/comparison.py: change it there.\n"


def text() -> str:
    """The rule file."""
    group = {"name": "cxstream-comparison", "rules": list(_rules())}
    return _HEAD + yaml.safe_dump({"groups": [group]}, sort_keys=False, width=200)


def _rules() -> Iterator[dict[str, Any]]:
    for name in COMPARED:
        yield {"record": f"cut_window:{name}:delta", "expr": " or ".join(_delta(name, each) for each in WINDOWS)}


def _delta(name: str, window: str) -> str:
    """Now less then; whichever worker told it then."""
    of = f'{name}{{window="{window}"}}'
    return f"max without (instance) ({of}) - max without (instance) ({of} offset {window})"
