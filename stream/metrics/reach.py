"""Reach: how many touchpoints there are."""

from collections.abc import Iterator

from stream.facts import Arrived, Fact
from stream.metrics.base import Metric, Reading, Value


class Reach(Metric):
    """How many touchpoints there are, of every type.

    Formulas:
        touchpoints = touchpoints folded
    Counters:
        touchpoints: touchpoints folded
    Edge cases:
        An event id of a customer counts once, within the last 128 of that customer.
        What is rejected or too late to count is on the topic `rejected`, with the reason.
    Source:
        Our own
    Example:
        >>> Reach().read(Reading(dict(Reach().count(Arrived("chat.started")))))
        {'touchpoints': Value(value=1, samples=1)}
    """

    values = {"touchpoints": "touchpoints"}
    facts = (Arrived,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Arrived):
            yield "touchpoints", 1

    def read(self, reading: Reading) -> dict[str, Value]:
        n = reading.total.get("touchpoints", 0)
        return {"touchpoints": Value(n, n)} if n else {}
