"""First reply: how long customers wait for an agent's first word on a ticket."""

from collections.abc import Iterator

from stream.facts import Fact, Replied
from stream.metrics import durations
from stream.metrics.base import Metric, Reading, Value


class Reply(Metric):
    """How long after its opening an agent first replied to a ticket, in public.

    Formulas:
        first_reply_mean_seconds = Σ (first reply − opening) / tickets replied to; exact
        first_reply_p50_seconds = the time that half of them did not exceed, within 1 %
        first_reply_p90_seconds = the time that nine tenths of them did not exceed, within 1 %
        first_reply_p99_seconds = the time that 99 % of them did not exceed, within 1 %
    Counters:
        reply.n: tickets replied to
        reply.ms: Σ of their times, in milliseconds
        reply.bINDEX: of these, with a time in this bucket of a histogram of logarithms
    Edge cases:
        It counts where the reply was given. Notes that the customer cannot see are no replies, nor are words of bots.
        Of a ticket that we opened ourselves, the second reply counts: the first is what we opened it with.
        Replies before the opening, or without one, do not count. A ticket merged into another leaves all counts.
    Source:
        First reply time as Zendesk defines it
    Example:
        >>> reply = Reply()
        >>> reply.read(Reading(dict(reply.count(Replied(90_000)))))["first_reply_mean_seconds"]
        Value(value=90.0, samples=1)
    """

    values = durations.values("first_reply")
    facts = (Replied,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Replied):
            yield from durations.count("reply", fact.duration_ms, fact.sign)

    def read(self, reading: Reading) -> dict[str, Value]:
        return durations.read(reading, "reply", "first_reply")
