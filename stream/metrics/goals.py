"""Goals: how often customers get where they set out for."""

from collections.abc import Iterator

from stream.facts import Arrived, Fact
from stream.metrics.base import Metric, Reading, Value

_COUNTERS = {
    "goal.tried": "goals.tried",
    "goal.reached": "goals.reached",
    "visit.page": "goals.visits",
    "visit.app": "goals.visits",
}


class Goals(Metric):
    """How often customers get where they set out for, and how often a visit leads there.

    Formulas:
        goal_success_rate = goals reached / goals tried
        conversion_rate = goals reached / visits (pages and screens seen)
    Counters:
        goals.tried: goals that customers set out for
        goals.reached: goals that customers got to
        goals.visits: pages and screens seen
    Edge cases:
        Each counts where it happened: a rate may exceed 1 where a goal is reached without its beginning being seen.
        Where no goal was reached there is no conversion rate: nobody knows whether there is one to be reached.
        Per place in the experience: cut by the dimension `touchpoint`, or by a label of yours.
    Source:
        Task success rate, as usability studies use it; conversion rate, as web analytics does
    Example:
        >>> goals = Goals()
        >>> counters = dict(goals.count(Arrived("goal.tried"))) | dict(goals.count(Arrived("goal.reached")))
        >>> goals.read(Reading(counters))
        {'goal_success_rate': Value(value=1.0, samples=1)}
    """

    values = {"goal_success_rate": "rate", "conversion_rate": "rate"}
    facts = (Arrived,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Arrived) and fact.type in _COUNTERS:
            yield _COUNTERS[fact.type], 1

    def read(self, reading: Reading) -> dict[str, Value]:
        tried, reached, visits = (reading.total.get(f"goals.{what}", 0) for what in ("tried", "reached", "visits"))
        found: dict[str, Value] = {}
        if tried:
            found["goal_success_rate"] = Value(reached / tried, tried)
        if visits and reached:
            found["conversion_rate"] = Value(reached / visits, visits)
        return found
