"""Reach: how many touchpoints there are."""

from collections.abc import Iterator

from stream.facts import Arrived, Fact
from stream.metrics.base import Metric, Reading, Value


class Reach(Metric):
    """Touchpoints of every type, each event id counted once.

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
