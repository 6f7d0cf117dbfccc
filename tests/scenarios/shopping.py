"""What customers do in the shop: look around, fill carts, buy, give back."""

from typing import Any

from tests.scenarios.population import DAY, HOUR, MINUTE, SECOND, Person, Population

PAGES = ("/", "/help", "/product/7", "product/tablet", "/news", "/productions")


def stroll(people: Population, person: Person) -> None:
    """A few pages or screens, and what was meant to come of it."""
    random, time = people.random, people.moment(person)
    channel = random.choice((person.channel, "web", "app"))
    for _ in range(random.randint(1, 4)):
        kind = random.choice(("visit.page", "visit.page", "visit.app", "visit.load", "visit.error"))
        fields: dict[str, Any] = {"page": random.choice(PAGES)}
        if kind == "visit.app":
            fields = {"screen": "orders"}
        elif kind == "visit.load":
            fields["load_ms"] = random.randrange(5_000)
        elif kind == "visit.error":
            fields = {"error": "E42", "crash": random.random() < 0.2}
        people.tell(person, time, kind, channel=channel, **fields)
        time += random.randrange(MINUTE)
    if random.random() < 0.3:
        people.tell(person, time, "goal.tried", goal="newsletter", channel=channel, touchpoint="checkout")
        if random.random() < 0.6:
            late = random.choice((SECOND, MINUTE, HOUR))
            people.tell(person, time + late, "goal.reached", goal="newsletter", channel=channel, touchpoint="checkout")


def hurry(people: Population, person: Person) -> None:
    """Much at once, on several channels, by a clock that knows minutes alone."""
    random, time = people.random, people.moment(person)
    time -= time % MINUTE
    for kind in random.sample(("visit.page", "visit.app", "visit.cart", "goal.tried", "purchase.completed"), 3):
        channel = random.choice(("web", "app", "in_person", "phone"))
        if kind == "purchase.completed":
            buy(people, person, time, session=f"s{people.number()}")
        else:
            page = {"page": random.choice(PAGES), "screen": "orders", "goal": "newsletter"}
            people.tell(person, time, kind, channel=channel, **page)


def fill_cart(people: Population, person: Person) -> None:
    """A cart by its id, its session or neither; bought in time, too late, before it was filled, or never."""
    random, time, number = people.random, people.moment(person), people.number()
    names: dict[str, Any] = random.choice(
        ({"cart": f"cart-{number}"}, {"session": f"s{number}"}, {"cart": f"cart-{number}", "session": f"s{number}"}, {})
    )
    for _ in range(random.randint(1, 3)):
        action = random.choice(("added", "added", "removed", "checkout", "viewed", None))
        people.tell(person, time, "visit.cart", channel="web", **names, **({"action": action} if action else {}))
        time += random.choice((0, SECOND, MINUTE, 20 * MINUTE, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR))
    for _ in range(random.choice((0, 0, 1, 1, 1, 2))):
        time += random.choice((0, MINUTE, -HOUR, 3 * HOUR))
        buy(people, person, time, **names)


def order(people: Population, person: Person) -> None:
    """Something bought at once, in the shop or not."""
    names = people.random.choice(({}, {"session": f"s{people.number()}"}, {"session": f"s{people.number()}"}))
    buy(people, person, people.moment(person), **names)


def buy(people: Population, person: Person, time: int, **names: Any) -> None:
    """An order: refused, paid, said to be paid twice; given back in part, as a whole, too much, twice, or oddly."""
    random = people.random
    currency = "USD" if person.region == "us" and random.random() < 0.2 else "EUR"
    amount = random.choice((0, 1_999, 4_900, 12_345))
    about: dict[str, Any] = {"order": f"o{people.number()}", "amount": amount, "currency": currency}
    if random.random() < 0.1:
        people.tell(person, time, "purchase.failed", error="declined", channel="web", **about)
        time += MINUTE
    if random.random() < 0.04:
        people.tell(person, time - HOUR, "purchase.refunded", **about)  # of what is paid later, or never
    if random.random() < 0.03:
        return
    if random.random() < 0.15:
        names["referral"] = "a friend"
    channel = random.choice((person.channel, "web", "in_person"))
    people.tell(person, time, "purchase.completed", channel=channel, **about, **names)
    if random.random() < 0.05:
        again = {**about, "amount": amount + 100}
        people.tell(person, time + random.choice((0, -MINUTE, HOUR)), "purchase.completed", channel=channel, **again)
    if random.random() < 0.25:
        for part in random.choice(((1.0,), (0.5,), (0.3, 0.3), (0.5, 0.5), (0.7, 0.7), (1.0, 1.0), (1.5,))):
            time += random.choice((0, HOUR, DAY, 4 * DAY))
            money = "GBP" if random.random() < 0.03 else currency
            back = {**about, "amount": int(amount * part), "currency": money}
            people.tell(person, time, "purchase.refunded", **back)
