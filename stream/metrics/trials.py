"""Trials: how many begin, how many become paid, and how many customers leave."""

from collections.abc import Iterator

from stream.facts import Arrived, Fact, Trial, TrialExpired
from stream.metrics.base import Metric, Reading, Value


class Trials(Metric):
    """How many trials begin and become paid subscriptions, and how many subscriptions are cancelled.

    Formulas:
        trials_started = trials that began
        trial_conversion_ratio = those of them that became paid within 30 days / trials that began
        trials_expired = trials that ran out before they were paid
        cancellations = subscriptions cancelled
    Counters:
        trials.started: trials that began
        trials.converted: of these, paid within 30 days
        trials.expired: trials that ran out
        trials.cancelled: subscriptions cancelled
    Edge cases:
        A trial counts where it began, also where it is paid later: of a month's trials, as many as were paid by now.
        A conversion before the trial began does not count; nor does one without a trial. A second start of the same
            account's trial is the same trial, from the earlier one on.
        A trial runs out when its start says that it ends, and 30 days after its start at the latest: there it counts as
            expired, by a timer. One that is paid later, but within the 30 days, has expired and is converted.
    Source:
        Trial-to-paid by cohort of the start, as subscription analytics define it
    Example:
        >>> trials = Trials()
        >>> trials.read(Reading(dict(trials.count(Trial(converted=True)))))["trial_conversion_ratio"]
        Value(value=1.0, samples=1)
    """

    values = {
        "trials_started": "trials",
        "trial_conversion_ratio": "ratio",
        "trials_expired": "trials",
        "cancellations": "accounts",
    }
    facts = (Trial, TrialExpired, Arrived)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Trial):
            yield "trials.started", fact.sign
            if fact.converted:
                yield "trials.converted", fact.sign
        elif isinstance(fact, TrialExpired):
            yield "trials.expired", fact.sign
        elif isinstance(fact, Arrived) and fact.type == "account.cancelled":
            yield "trials.cancelled", 1

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        started, cancelled = reading.total.get("trials.started", 0), reading.total.get("trials.cancelled", 0)
        expired = reading.total.get("trials.expired", 0)
        if started:
            found["trials_started"] = Value(started, started)
            found["trial_conversion_ratio"] = Value(reading.total.get("trials.converted", 0) / started, started)
        if expired:
            found["trials_expired"] = Value(expired, expired)
        if cancelled:
            found["cancellations"] = Value(cancelled, cancelled)
        return found
