"""Email: what became of what we sent."""

from collections.abc import Iterator

from stream.facts import Bounced, Delivered, Fact
from stream.metrics.base import Metric, Reading, Value


class Email(Metric):
    """What became of the emails that were delivered.

    Formulas:
        email_open_ratio = emails opened / emails delivered
        email_click_ratio = emails with a link followed / emails delivered
        email_unsubscribe_ratio = emails after which the customer wanted no more / emails delivered
        email_bounce_ratio = emails that bounced / (emails delivered + emails that bounced)
    Counters:
        email.delivered: emails delivered
        email.opened: of these, opened
        email.clicked: of these, with a link followed
        email.unsubscribed: of these, with an end to them
        email.bounced: emails that bounced
    Edge cases:
        An email counts where it was delivered, with what became of it whenever that was: so no ratio exceeds 1.
        Opened twice is opened once; a link followed says that it was opened, whether or not that was seen.
        An email that was opened and never said to be delivered is not counted; one without an id cannot be followed.
        One that bounced and was delivered after all counts as both.
    Source:
        Unique opens and clicks of those delivered, as email platforms define them
    Example:
        >>> email = Email()
        >>> reading = Reading(dict(email.count(Delivered(opened=True, clicked=False, unsubscribed=False))))
        >>> {name: value.value for name, value in email.read(reading).items()}  # doctest: +NORMALIZE_WHITESPACE
        {'email_open_ratio': 1.0, 'email_click_ratio': 0.0, 'email_unsubscribe_ratio': 0.0,
         'email_bounce_ratio': 0.0}
    """

    values = {
        "email_open_ratio": "ratio",
        "email_click_ratio": "ratio",
        "email_unsubscribe_ratio": "ratio",
        "email_bounce_ratio": "ratio",
    }
    facts = (Delivered, Bounced)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Bounced):
            yield "email.bounced", fact.sign
        elif isinstance(fact, Delivered):
            yield "email.delivered", fact.sign
            for name in ("opened", "clicked", "unsubscribed"):
                if getattr(fact, name):
                    yield f"email.{name}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        counter = reading.total.get
        n, bounced = counter("email.delivered", 0), counter("email.bounced", 0)
        found: dict[str, Value] = {}
        if n:
            found["email_open_ratio"] = Value(counter("email.opened", 0) / n, n)
            found["email_click_ratio"] = Value(counter("email.clicked", 0) / n, n)
            found["email_unsubscribe_ratio"] = Value(counter("email.unsubscribed", 0) / n, n)
        if n + bounced:
            found["email_bounce_ratio"] = Value(bounced / (n + bounced), n + bounced)
        return found
