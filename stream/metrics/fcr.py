"""First contact resolution."""

from collections.abc import Iterator

from stream.facts import Contact, Fact, Resolved
from stream.metrics.base import Metric, Reading, Value


class Fcr(Metric):
    """Tickets resolved at first contact, of those resolved: one contact episode, never reopened.

    Formulas:
        fcr_ratio = tickets resolved at first contact / tickets resolved
        fcr_strict_ratio = those of them that were never moved to another team / tickets resolved
        fcr_one_touch_ratio = tickets never reopened, with at most one public reply by an agent / tickets resolved
    Counters:
        resolved: tickets resolved, at their last resolution
        resolved.first: of these, at first contact
        resolved.strict: of these, at first contact and by one team
        resolved.one_touch: of these, with at most one reply
    Edge cases:
        A contact episode begins with the opening, with a customer's message after an agent's reply, and with a call.
        Messages of one chat session are one episode.
        A reopened ticket is not resolved: its resolution is taken back where it was counted, until the next one.
        A ticket that was closed and never resolved counts as resolved then; one merged into another leaves all counts.
        Steps count in order of their times, however they arrive.
    Source:
        SQM Group's first call resolution; one-touch as Zendesk defines it
    Example:
        >>> fcr = Fcr()
        >>> fcr.read(Reading(dict(fcr.count(Resolved((Contact.FIRST,), 840_000)))))["fcr_ratio"]
        Value(value=1.0, samples=1)
    """

    values = {"fcr_ratio": "ratio", "fcr_strict_ratio": "ratio", "fcr_one_touch_ratio": "ratio"}
    facts = (Resolved,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Resolved):
            yield "resolved", fact.sign
            for contact in fact.contacts:
                yield f"resolved.{contact.value}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        n = reading.total.get("resolved", 0)
        if not n:
            return {}
        names = {
            "fcr_ratio": Contact.FIRST,
            "fcr_strict_ratio": Contact.STRICT,
            "fcr_one_touch_ratio": Contact.ONE_TOUCH,
        }
        return {
            name: Value(reading.total.get(f"resolved.{contact.value}", 0) / n, n) for name, contact in names.items()
        }
