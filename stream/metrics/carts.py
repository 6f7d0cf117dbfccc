"""Carts: bought, or left behind."""

from collections.abc import Iterator

from stream.facts import CartClosed, CartRecovered, Fact
from stream.metrics.base import Metric, Reading, Value


class Carts(Metric):
    """How many carts were filled, and how many of them were left behind.

    Formulas:
        carts = carts bought within an hour of their last change + carts abandoned
        cart_abandonment_ratio = carts abandoned / carts
        carts_recovered = carts bought after they had been abandoned
    Counters:
        carts.closed: carts bought in time or abandoned
        carts.abandoned: of these, abandoned
        carts.recovered: abandoned carts that were bought after all
    Edge cases:
        A cart counts where it was decided: at its purchase, or as abandoned one hour after its last change, by a timer,
            though nothing more happens. Until then it is in no number.
        A purchase in time that arrives late takes the abandonment back; so does another change: the hour begins anew.
        One that is bought after more than an hour stays abandoned, and is recovered where it was bought.
        Looking at a cart is no change. What is put in it after a purchase is another cart.
        A purchase is of the cart that it names, or else of its session's, or of the customer's one cart.
    Source:
        Cart abandonment as shops use it (Shopify: no order within an hour of the last change)
    Example:
        >>> carts = Carts()
        >>> counters = dict(carts.count(CartClosed(abandoned=True)))
        >>> carts.read(Reading(counters))["cart_abandonment_ratio"]
        Value(value=1.0, samples=1)
    """

    values = {"carts": "carts", "cart_abandonment_ratio": "ratio", "carts_recovered": "carts"}
    facts = (CartClosed, CartRecovered)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, CartClosed):
            yield "carts.closed", fact.sign
            if fact.abandoned:
                yield "carts.abandoned", fact.sign
        elif isinstance(fact, CartRecovered):
            yield "carts.recovered", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        carts, recovered = reading.total.get("carts.closed", 0), reading.total.get("carts.recovered", 0)
        found: dict[str, Value] = {}
        if carts:
            found["carts"] = Value(carts, carts)
            found["cart_abandonment_ratio"] = Value(reading.total.get("carts.abandoned", 0) / carts, carts)
        if recovered:
            found["carts_recovered"] = Value(recovered, recovered)
        return found
