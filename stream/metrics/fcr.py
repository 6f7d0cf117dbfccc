"""First contact resolution."""

from collections.abc import Iterator

from stream.facts import Contact, Fact, Resolved
from stream.metrics.base import Metric, Reading, Value


class Fcr(Metric):
    """Tickets resolved at first contact, of those resolved: one contact episode, never reopened.

    fcr_ratio = tickets resolved at first contact / tickets resolved
    fcr_strict_ratio: also never moved to another team
    fcr_one_touch_ratio: never reopened, at most one public reply by an agent

    A reopened ticket is not resolved: its resolution is taken back where it was counted.
    Source: SQM Group's FCR; one-touch as Zendesk defines it.

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
