"""Targets: whether waits, first replies and resolutions came in time."""

from collections.abc import Iterator

from stream.facts import Breached, Fact, Replied, Resolved, Waited
from stream.metrics.base import Metric, Reading, Value


class Targets(Metric):
    """How often customers waited longer than the target for tickets and conversations of that priority.

    Formulas:
        wait_breach_ratio = waits over their target / waits that are over
        first_reply_breach_ratio = first replies that were due and not given / these and those given in time
        resolution_breach_ratio = tickets overdue / (tickets overdue + tickets resolved in time)
        tickets_overdue = tickets that were not resolved by their target
    Counters:
        target.wait.kept: conversations in which the wait was within the target
        target.wait.breached: conversations in which it was longer
        target.first_reply.kept: tickets first replied to within the target
        target.first_reply.breached: tickets without a reply, or a resolution, within it
        target.resolution.kept: tickets resolved within the target
        target.resolution.breached: tickets that were not
    Edge cases:
        Targets are in the settings (`targets`), by priority: that of the earliest opening of a ticket or start of a
            conversation, `normal` where it has none. What takes exactly as long as its target is in time.
        A wait counts where it was over, also one of a customer who gave up, who waited until the end.
        A first reply or resolution in time counts where it was; else it counts as breached where the target had passed,
            by a timer, though nothing happens. Until then it is in no number.
        The last resolution decides: a ticket reopened and resolved after its target is overdue. One that was resolved
            in time needs no reply. One resolved before its opening is neither in time nor overdue.
        Tickets that an earlier release opened count by the normal targets, once something happens to them.
        Targets run by the clock, also out of business hours.
    Source:
        Service level agreements as help desks use them (Zendesk: targets by priority, first reply and resolution)
    Example:
        >>> targets = Targets()
        >>> counters = dict(targets.count(Replied(90_000, in_time=True))) | dict(targets.count(Breached("resolution")))
        >>> {name: value.value for name, value in targets.read(Reading(counters)).items()}
        {'first_reply_breach_ratio': 0.0, 'resolution_breach_ratio': 1.0, 'tickets_overdue': 1}
    """

    values = {
        "wait_breach_ratio": "ratio",
        "first_reply_breach_ratio": "ratio",
        "resolution_breach_ratio": "ratio",
        "tickets_overdue": "tickets",
    }
    facts = (Waited, Replied, Resolved, Breached)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Waited):
            if fact.in_time is not None:
                yield f"target.wait.{'kept' if fact.in_time else 'breached'}", fact.sign
        elif isinstance(fact, Breached):
            yield f"target.{fact.of}.breached", fact.sign
        elif isinstance(fact, Replied | Resolved) and fact.in_time:
            yield f"target.{'first_reply' if isinstance(fact, Replied) else 'resolution'}.kept", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for of in ("wait", "first_reply", "resolution"):
            breached = reading.total.get(f"target.{of}.breached", 0)
            n = breached + reading.total.get(f"target.{of}.kept", 0)
            if n:
                found[f"{of}_breach_ratio"] = Value(breached / n, n)
        overdue = reading.total.get("target.resolution.breached", 0)
        if overdue:
            found["tickets_overdue"] = Value(overdue, overdue)
        return found
