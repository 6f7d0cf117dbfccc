"""Average resolution time in business hours."""

from collections.abc import Iterator

from stream.facts import Fact, Resolved
from stream.metrics import durations
from stream.metrics.base import Metric, Reading, Value


class Business(Metric):
    """How much of the time from their opening to their last resolution tickets took in business hours.

    Formulas:
        resolution_business_mean_seconds = Σ business hours in [opening, last resolution) / tickets resolved whose
            opening is known; exact
        resolution_business_p50_seconds = the time that half of them did not exceed, within 1 %
        resolution_business_p90_seconds = the time that nine tenths of them did not exceed, within 1 %
        resolution_business_p99_seconds = the time that 99 % of them did not exceed, within 1 %
    Counters:
        business.n: tickets resolved whose opening is known
        business.ms: Σ of their times in business hours, in milliseconds
        business.bINDEX: of these, with a time in this bucket of a histogram of logarithms
    Edge cases:
        It is read where there are business hours in the settings (`business_hours`, `holidays`, `time_zone`), of the
            same tickets as the resolution time; one that was opened and resolved out of hours took 0 s.
        Business hours are what clocks show: an hour that they show twice in autumn counts twice, and one that they
            leave out in spring does not count.
    Source:
        Business hours as help desks use them (Zendesk: schedules and holidays)
    Example:
        >>> business = Business()
        >>> reading = Reading(dict(business.count(Resolved((), 86_400_000, business_ms=28_800_000))))
        >>> business.read(reading)["resolution_business_mean_seconds"]
        Value(value=28800.0, samples=1)
    """

    values = durations.values("resolution_business")
    facts = (Resolved,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Resolved) and fact.business_ms is not None:
            yield from durations.count("business", fact.business_ms, fact.sign)

    def read(self, reading: Reading) -> dict[str, Value]:
        return durations.read(reading, "business", "resolution_business")
