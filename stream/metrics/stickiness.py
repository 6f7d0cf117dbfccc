"""Stickiness: how much of the month's customers come on a day."""

from collections.abc import Iterator

from stream.facts import Fact
from stream.metrics.active import distinct
from stream.metrics.base import Metric, Reading, Value


class Stickiness(Metric):
    """How much of the month's customers come on a day: DAU / MAU.

    Formulas:
        stickiness_ratio = customers active on the last day of the window / customers active in the window
    Counters:
        active.GAP: as the active customers count them; there is none of its own
    Edge cases:
        It needs more than one day, and reads nothing where a window is not made of whole days.
    Source:
        DAU / MAU as product analytics uses it
    Example:
        >>> Stickiness().read(Reading({}, [{"active.new": 4}, {"active.1": 1}]))
        {'stickiness_ratio': Value(value=0.25, samples=4)}
    """

    values = {"stickiness_ratio": "ratio"}
    facts = ()

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        yield from ()

    def read(self, reading: Reading) -> dict[str, Value]:
        if reading.days is None or len(reading.days) < 2:
            return {}
        month = distinct(reading.days)
        return {"stickiness_ratio": Value(distinct(reading.days[-1:]) / month, month)} if month else {}
