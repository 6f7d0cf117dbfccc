"""Purchases: how many, how many by referral, by customers who come back, and how many failed."""

from collections.abc import Iterator

from stream.facts import Arrived, Fact, FirstPurchase, Purchased
from stream.metrics.base import Metric, Reading, Value


class Purchases(Metric):
    """How often customers bought, whether somebody had sent them, whether they came back, and how often paying failed.

    Formulas:
        purchases = orders paid of which not all was given back
        referral_ratio = those of them that came by a referral / purchases
        repeat_purchase_ratio = orders paid that were not the customer's first / orders paid
        payment_failure_ratio = payments that failed / (orders paid + payments that failed)
    Counters:
        purchases.paid: orders paid
        purchases.kept: of these, not given back as a whole
        purchases.referred: of those kept, by a referral
        purchases.first: orders paid that were the customer's first
        purchases.failed: payments that failed
    Edge cases:
        An order counts where it was paid; once all of it was given back, it leaves the purchases there.
        An order that is said to be paid several times is paid once, at the earliest of these times.
        Given back or not, an order was a customer's first: a purchase that arrives late may take that place.
        A customer who has bought nothing for longer than shoppers are kept (`shopper_days`, 802) is new again.
    Source:
        Referral and repeat purchase rates as commerce platforms use them; what was given back does not count
    Example:
        >>> purchases = Purchases()
        >>> counters = dict(purchases.count(Purchased("EUR", 1_999, referred=True, returned=False)))
        >>> {name: value.value for name, value in purchases.read(Reading(counters)).items() if name != "repeat"}
        {'purchases': 1, 'referral_ratio': 1.0, 'repeat_purchase_ratio': 1.0, 'payment_failure_ratio': 0.0}
    """

    values = {
        "purchases": "purchases",
        "referral_ratio": "ratio",
        "repeat_purchase_ratio": "ratio",
        "payment_failure_ratio": "ratio",
    }
    facts = (Purchased, FirstPurchase, Arrived)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Purchased):
            yield "purchases.paid", fact.sign
            if not fact.returned:
                yield "purchases.kept", fact.sign
                if fact.referred:
                    yield "purchases.referred", fact.sign
        elif isinstance(fact, FirstPurchase):
            yield "purchases.first", fact.sign
        elif isinstance(fact, Arrived) and fact.type == "purchase.failed":
            yield "purchases.failed", 1

    def read(self, reading: Reading) -> dict[str, Value]:
        counter = reading.total.get
        paid, kept, failed = counter("purchases.paid", 0), counter("purchases.kept", 0), counter("purchases.failed", 0)
        found: dict[str, Value] = {}
        if kept:
            found["purchases"] = Value(kept, kept)
            found["referral_ratio"] = Value(counter("purchases.referred", 0) / kept, kept)
        if paid:
            found["repeat_purchase_ratio"] = Value((paid - counter("purchases.first", 0)) / paid, paid)
        if paid + failed:
            found["payment_failure_ratio"] = Value(failed / (paid + failed), paid + failed)
        return found
