"""First contact resolution."""

from collections.abc import Iterator

from stream.facts import Confirmed, Fact, Resolved
from stream.metrics.base import Metric, Reading, Value


class Fcr(Metric):
    """Tickets resolved at first contact, of those resolved: one contact episode, never reopened.

    Formulas:
        fcr_ratio = tickets resolved at first contact / tickets resolved
        fcr_strict_ratio = those of them that were never moved to another team / tickets resolved
        fcr_one_touch_ratio = tickets never reopened, with at most one public reply by an agent / tickets resolved
        fcr_confirmed_ratio = tickets resolved at first contact, after which the customer opened no other on the same
            topic within `confirm_days` (7) / tickets resolved so long ago
    Counters:
        resolved: tickets resolved, at their last resolution
        resolved.first: of these, at first contact
        resolved.strict: of these, at first contact and by one team
        resolved.one_touch: of these, with at most one reply
        confirmed.n: tickets resolved, `confirm_days` after their last resolution
        confirmed.first: of these, at first contact, with no other ticket on the topic opened since
    Edge cases:
        A contact episode begins with the opening, with a customer's message after an agent's reply, and with a call.
        Messages of one chat session are one episode.
        A reopened ticket is not resolved: its resolution is taken back where it was counted, until the next one.
        A ticket that was closed and never resolved counts as resolved then; one merged into another leaves all counts.
        Steps count in order of their times, however they arrive.
        A resolution is confirmed, or not, `confirm_days` later by event time, by a timer: it counts there. A ticket
            that is reopened is taken back.
        The topic is that of the earliest opening. A ticket without one shares it with no other. Of a customer's tickets
            on a topic the last 32 are looked at, and more where their time is not over.
    Source:
        SQM Group's first call resolution; one-touch as Zendesk defines it
    Example:
        >>> from stream.facts import Contact
        >>> fcr = Fcr()
        >>> fcr.read(Reading(dict(fcr.count(Resolved((Contact.FIRST,), 840_000)))))["fcr_ratio"]
        Value(value=1.0, samples=1)
    """

    values = {
        "fcr_ratio": "ratio",
        "fcr_strict_ratio": "ratio",
        "fcr_one_touch_ratio": "ratio",
        "fcr_confirmed_ratio": "ratio",
    }
    facts = (Resolved, Confirmed)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Resolved):
            yield "resolved", fact.sign
            for contact in fact.contacts:
                yield f"resolved.{contact.value}", fact.sign
        elif isinstance(fact, Confirmed):
            yield "confirmed.n", fact.sign
            if fact.first:
                yield "confirmed.first", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        parts = {
            "fcr_ratio": ("resolved.first", "resolved"),
            "fcr_strict_ratio": ("resolved.strict", "resolved"),
            "fcr_one_touch_ratio": ("resolved.one_touch", "resolved"),
            "fcr_confirmed_ratio": ("confirmed.first", "confirmed.n"),
        }
        found: dict[str, Value] = {}
        for name, (part, whole) in parts.items():
            n = reading.total.get(whole, 0)
            if n:
                found[name] = Value(reading.total.get(part, 0) / n, n)
        return found
