"""The life cycle of customers: who is new, who stays, who comes back and who stays away."""

from collections.abc import Iterator

from stream.facts import Cohort, Fact
from stream.metrics.active import NEVER, distinct
from stream.metrics.base import Metric, Reading, Value


class Lifecycle(Metric):
    """Who is new, who stays, who comes back and who stays away, from the period before to this one.

    Formulas:
        new_customers = customers whose first active day ever is in the period
        retained_customers = customers active in the period and in the one before
        returning_customers = customers active in the period, not in the one before, but earlier
        dormant_customers = customers active in the period before, and not in this one
        retention_ratio = retained customers / customers active in the period before
        churn_ratio = dormant customers / customers active in the period before, so 1 − retention
    Counters:
        active.new: as the active customers count them
        active.GAP: the same
        cohort.UNIT.AGE: customers active in a week or month, so many after that of their first activity, on its first
            day and in days alone; see `cxstream cohorts`
    Edge cases:
        A day, week or month is compared with the one before it, the last n days with the n days before them, and any
            range of whole days with as many days before it. It reads nothing for other windows.
        New, retained and returning customers rest on those active in the period; the others on those active before it.
        In a segment, customers are known by what they did there: who is new to it may be known in others.
        Of a period that is not over yet, customers may still come: they are dormant until then.
        Retained = active + active before − active in both together: exact, from the counters of days alone.
        Without anybody active in the period before, there is no ratio; where that is not kept any more, only new ones.
        Who was not active for longer than customers are kept (`customer_days`, 802) is new again.
    Source:
        New, retained, returning (resurrected) and dormant as in PostHog's life cycle; churn without subscriptions
    Example:
        >>> monday, tuesday = {"active.new": 4}, {"active.new": 1, "active.1": 3}
        >>> found = Lifecycle().read(Reading(tuesday, [tuesday], [monday]))
        >>> {name: value.value for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'new_customers': 1, 'retained_customers': 3, 'returning_customers': 0, 'dormant_customers': 1,
         'retention_ratio': 0.75, 'churn_ratio': 0.25}
    """

    values = {
        "new_customers": "customers",
        "retained_customers": "customers",
        "returning_customers": "customers",
        "dormant_customers": "customers",
        "retention_ratio": "ratio",
        "churn_ratio": "ratio",
    }
    facts = (Cohort,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Cohort):
            yield f"cohort.{fact.unit}.{fact.age}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        if reading.days is None:
            return {}
        active = distinct(reading.days)
        new = sum(day.get(NEVER, 0) for day in reading.days)
        found = {"new_customers": Value(new, active)} if active else {}
        if reading.before is None:
            return found
        earlier = distinct(reading.before)
        retained = active + earlier - distinct([*reading.before, *reading.days])
        if active:
            found["retained_customers"] = Value(retained, active)
            found["returning_customers"] = Value(active - new - retained, active)
        if earlier:
            found["dormant_customers"] = Value(earlier - retained, earlier)
            found["retention_ratio"] = Value(retained / earlier, earlier)
            found["churn_ratio"] = Value((earlier - retained) / earlier, earlier)
        return found
