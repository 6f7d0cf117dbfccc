"""Active customers: distinct customers over days, exactly, from counters that can be added."""

from collections.abc import Iterator, Mapping, Sequence

from stream.facts import Active, Fact
from stream.metrics.base import Metric, Reading, Value

PREFIX = "active."
NEVER = "active.new"


class ActiveCustomers(Metric):
    """Distinct customers with a touchpoint that they did, over whole local days.

    Formulas:
        active_customers = Σᵢ customers of day dᵢ whose active day before it is more than i days back, over d₀ … dₙ
    Counters:
        active.new: customers whose first active day this is
        active.GAP: customers who were active so many days before, and not since
    Edge cases:
        Each day counts its active customers by how many days ago they were active before. Over a run of days a customer
            is counted on the first of them, whose gap reaches back before the run: so any run reads exactly.
        A late day only moves the gap of the one after it.
        It reads nothing where a window is not made of whole days. DAU is it over the day, WAU over 7 days, MAU over 30.
        What was done to customers (an email sent, an agent's reply) is not their activity.
    Source:
        Our own: distinct counts that can be added, for a customer lives on one partition
    Example:
        >>> active = ActiveCustomers()
        >>> monday, tuesday = dict(active.count(Active(None))), dict(active.count(Active(1)))
        >>> active.read(Reading({}, [monday, tuesday]))["active_customers"].samples
        1
    """

    values = {"active_customers": "customers"}
    facts = (Active,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Active):
            yield (NEVER if fact.gap_days is None else f"{PREFIX}{fact.gap_days}"), fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        if reading.days is None:
            return {}
        n = distinct(reading.days)
        return {"active_customers": Value(n, n)} if n else {}


def distinct(days: Sequence[Mapping[str, int]]) -> int:
    """Customers active on any of these consecutive days."""
    return sum(
        number
        for distance, counters in enumerate(days)
        for name, number in counters.items()
        if name.startswith(PREFIX) and (name == NEVER or int(name[len(PREFIX) :]) > distance)
    )
