"""Waiting: for a person in a chat or on the telephone."""

from collections.abc import Iterator

from stream.facts import Fact, Waited
from stream.metrics import durations
from stream.metrics.base import Metric, Reading, Value


class Waiting(Metric):
    """How long customers waited for a person, in chats and calls that they began, and how many gave up.

    Formulas:
        wait_mean_seconds = Σ (first agent message or answer − start) / conversations answered; exact
        wait_p50_seconds = the time that half of them did not exceed, within 1 %
        wait_p90_seconds = the time that nine tenths of them did not exceed, within 1 %
        wait_p99_seconds = the time that 99 % of them did not exceed, within 1 %
        abandonment_ratio = conversations abandoned / (conversations answered + conversations abandoned)
    Counters:
        wait.n: conversations answered
        wait.ms: Σ of their waits, in milliseconds
        wait.bINDEX: of these, with a wait in this bucket of a histogram of logarithms
        wait.abandoned: conversations that ended before a person was there
    Edge cases:
        A wait counts where it was over; one without a session, or whose start is not known, does not count.
        Where the source says how long a call waited, that counts. Bots are no persons.
        Who ended it, and what the source calls abandoned, is of no matter: one who was answered did not give up.
        What has neither an answer nor an end is still waiting, and in no number yet.
    Source:
        Speed of answer and abandonment as contact centres use them
    Example:
        >>> waiting = Waiting()
        >>> counters = dict(waiting.count(Waited(20_000)))
        >>> counters |= dict(waiting.count(Waited(None)))
        >>> found = waiting.read(Reading(counters))
        >>> found["wait_mean_seconds"].value, found["abandonment_ratio"].value
        (20.0, 0.5)
    """

    values = {**durations.values("wait"), "abandonment_ratio": "ratio"}
    facts = (Waited,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if not isinstance(fact, Waited):
            return
        if fact.duration_ms is not None:
            yield from durations.count("wait", fact.duration_ms, fact.sign)
        else:
            yield "wait.abandoned", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        found = durations.read(reading, "wait", "wait")
        abandoned = reading.total.get("wait.abandoned", 0)
        n = reading.total.get("wait.n", 0) + abandoned
        return found | ({"abandonment_ratio": Value(abandoned / n, n)} if n else {})
