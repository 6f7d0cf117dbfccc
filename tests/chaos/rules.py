"""The rules of a chaos run: the project's own, some that fire again and again, and some that must fire just once."""

from typing import Any

import yaml

from agents.settings import DEFAULT_RULES

_STEPS = (5, 20, 40, 60, 80)
"""Percent of the run's touchpoints."""


def rules(events: int) -> str:
    """A rule file. A month's touchpoints only grow: after each step ``Once…`` fires, whatever happens to the workers.

    It waits for longer than one partition can be ahead of another: what is already there of a time that has not been
    reached by all counts in an open window, and not in those that close on the way.
    """
    given: list[dict[str, Any]] = yaml.safe_load(DEFAULT_RULES.read_text())["rules"]
    once = [
        {
            "alert": f"Once{step}",
            "metric": "touchpoints",
            "window": "month",
            "above": events * step // 100,
            "for": "15m",
        }
        for step in _STEPS
    ]
    restless = [
        {
            "alert": f"Restless{channel}",
            "metric": "touchpoints",
            "window": "1m",
            "above": 60,
            "where": {"channel": channel},
        }
        for channel in ("web", "app", "chat")
    ]
    return yaml.safe_dump({"rules": [*given, *once, *restless]})
