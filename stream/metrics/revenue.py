"""Revenue: what customers paid, and what we gave back."""

from collections.abc import Iterator

from stream.facts import Fact, Purchased, Refunded
from stream.metrics.base import Metric, Reading, Value


class Revenue(Metric):
    """What customers paid and got back, in the smallest unit of the currency (cents); exact, for these are integers.

    Formulas:
        revenue = Σ paid − Σ given back
        revenue_refunded = Σ given back
        average_order_value = Σ paid / orders paid
        excess_refunds = refunds that were to give back more than was left of what was paid
    Counters:
        revenue.paid.CURRENCY: Σ amounts of orders paid
        revenue.orders.CURRENCY: orders paid
        revenue.refunded.CURRENCY: Σ amounts given back
        revenue.refunds.CURRENCY: refunds
        revenue.excess: refunds of more than was left
    Edge cases:
        An order counts where it was paid, a refund where it was given. So revenue may be negative.
        Of a refund of more than was left, what was left counts, and the refund as an excess one. An order that is given
            back twice gives its money back once.
        A refund in another currency than the order, or of an order that is not known, counts as it is.
        Amounts in different currencies are not added up: where there are several, there is no number. Cut by a label
            that says the currency.
    Source:
        Gross and net sales as commerce platforms report them
    Example:
        >>> revenue = Revenue()
        >>> paid = dict(revenue.count(Purchased("EUR", 1_999, referred=False, returned=False)))
        >>> refunded = dict(revenue.count(Refunded("EUR", 500, excess=False)))
        >>> {name: value.value for name, value in revenue.read(Reading(paid | refunded)).items()}
        {'revenue': 1499, 'revenue_refunded': 500, 'average_order_value': 1999.0}
    """

    values = {
        "revenue": "money",
        "revenue_refunded": "money",
        "average_order_value": "money",
        "excess_refunds": "refunds",
    }
    facts = (Purchased, Refunded)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Purchased):
            yield f"revenue.orders.{fact.currency}", fact.sign
            yield f"revenue.paid.{fact.currency}", fact.sign * fact.amount
        elif isinstance(fact, Refunded):
            yield f"revenue.refunds.{fact.currency}", fact.sign
            yield f"revenue.refunded.{fact.currency}", fact.sign * fact.amount
            if fact.excess:
                yield "revenue.excess", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        excess = reading.total.get("revenue.excess", 0)
        if excess:
            found["excess_refunds"] = Value(excess, excess)
        orders = reading.under("revenue.orders.")
        refunds = reading.under("revenue.refunds.")
        if len(orders.keys() | refunds.keys()) != 1:
            return found
        (currency,) = orders.keys() | refunds.keys()
        paid, refunded = (reading.total.get(f"revenue.{what}.{currency}", 0) for what in ("paid", "refunded"))
        n, returns = orders.get(currency, 0), refunds.get(currency, 0)
        found["revenue"] = Value(paid - refunded, n + returns)
        if returns:
            found["revenue_refunded"] = Value(refunded, returns)
        if n:
            found["average_order_value"] = Value(paid / n, n)
        return found
