"""Active customers: distinct customers over days, exactly, from counters that can be added."""

from collections.abc import Iterator, Mapping, Sequence

from stream.facts import Active, Fact
from stream.metrics.base import Metric, Reading, Value

PREFIX = "active."
NEVER = "active.new"


class ActiveCustomers(Metric):
    """Distinct customers with a touchpoint that they did, over whole local days.

    Each day counts its active customers by how many days ago they were active before. Over the days d₀ … dₙ a customer
    is counted on the first active day inside: the one whose gap is larger than its distance from d₀. So

    active_customers = Σᵢ customers of day dᵢ with gap > i

    is exact for any range, and a late day only moves two counters. It reads nothing where a window is not made of whole
    days. DAU is it over the day, WAU over 7 days, MAU over 30; see ``stickiness``.

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
