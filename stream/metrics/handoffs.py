"""Handoffs: customers who go from one channel to another, and whether they have to begin anew there."""

from collections.abc import Iterator

from stream.facts import Began, Fact, HandedOver, PathTaken, Spread
from stream.metrics.base import Metric, Reading, Value
from stream.metrics.stages import pair


class Handoffs(Metric):
    """How customers go from one channel to another, and whether what they had said before went with them.

    Formulas:
        journeys = journeys that began: a customer's first, and one after each lapse
        multichannel_rate = journeys that came to a second channel / journeys that began
        handoffs = steps on another channel than the step before, at most `handoff_hours` (24) after it
        handoff_continuity_ratio = handoffs about the same ticket / handoffs after a step that was about a ticket
    Counters:
        journeys: journeys that began
        journeys.several: journeys that came to a second channel
        handoff.FROM.TO: handoffs from one channel to another
        handoffs.ticket: handoffs after a step that was about a ticket
        handoffs.same: of these, about the same ticket
        path.CHANNELS: the first purchase in each journey, after these channels, `>` between them; in days alone
    Edge cases:
        A journey counts where it began, and as one over several channels where it came to the second: the rate is the
            share of such journeys over a long stretch, and may be more than 1 over a short one.
        Steps are what customers do, and good reviews and mentions; what we send them is none.
        Channels other than the usual ten count as `other` between two.
        A path has the last five channels before the purchase, none twice in a row; `other` may be, for two channels.
    Source:
        Channel switching and continuity as omnichannel service measures them
    Example:
        >>> handoffs = Handoffs()
        >>> counters = dict(handoffs.count(HandedOver("chat", "phone", same_ticket=True)))
        >>> handoffs.read(Reading(counters))["handoff_continuity_ratio"]
        Value(value=1.0, samples=1)
    """

    values = {
        "journeys": "journeys",
        "multichannel_rate": "rate",
        "handoffs": "handoffs",
        "handoff_continuity_ratio": "ratio",
    }
    facts = (Began, Spread, HandedOver, PathTaken)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Began):
            yield "journeys", fact.sign
        elif isinstance(fact, Spread):
            yield "journeys.several", fact.sign
        elif isinstance(fact, HandedOver):
            yield f"handoff.{fact.before}.{fact.channel}", fact.sign
            if fact.same_ticket is not None:
                yield "handoffs.ticket", fact.sign
                if fact.same_ticket:
                    yield "handoffs.same", fact.sign
        elif isinstance(fact, PathTaken):
            yield f"path.{'>'.join(fact.channels)}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        total = reading.total
        found: dict[str, Value] = {}
        journeys, tickets = total.get("journeys", 0), total.get("handoffs.ticket", 0)
        handoffs = sum(pairs(reading).values())
        if journeys:
            found["journeys"] = Value(journeys, journeys)
            found["multichannel_rate"] = Value(total.get("journeys.several", 0) / journeys, journeys)
        if handoffs:
            found["handoffs"] = Value(handoffs, handoffs)
        if tickets:
            found["handoff_continuity_ratio"] = Value(total.get("handoffs.same", 0) / tickets, tickets)
        return found


def pairs(reading: Reading) -> dict[tuple[str, str], int]:
    """How many handoffs there were from one channel to another."""
    return {pair(name): number for name, number in reading.under("handoff.").items() if number}


def paths(reading: Reading) -> dict[tuple[str, ...], int]:
    """How many purchases there were after these channels.

    >>> paths(Reading({"path.web>chat": 3}))
    {('web', 'chat'): 3}
    """
    return {tuple(name.split(">")): number for name, number in reading.under("path.").items() if number}
