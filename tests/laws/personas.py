"""The truth of personas and stages, the naive way: go through all that a customer has done so far, each time anew.

A rule is a name and its conditions; a condition is what it is about and its numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.laws import commerce, oracle, travels
from tests.laws.commerce import Event, of
from tests.laws.lives import lives

DAY = 86_400_000
Condition = tuple[Any, ...]
Rule = tuple[str, list[Condition]]


def holds(condition: Condition, events: list[Event], now: int, zone: str) -> bool:
    """Whether a condition is true of a customer of whom these are all touchpoints."""
    what, *rest = condition
    done = [event["time"] for event in events if oracle.by_customer(event)]
    seen = [event["time"] for event in events]
    if what == "inactive":
        return bool(seen) and now - max(done or [min(seen)]) >= rest[0] * DAY
    if what == "first_seen":
        least, most = rest
        return bool(seen) and (least or 0) * DAY <= now - min(seen) and (most is None or now - min(seen) <= most * DAY)
    if what == "nps":
        given = [(stay.time, stay.what[0]) for stay in oracle.answers(events) if stay.of["kind"] == "nps"]  # type: ignore[index]
        score = max(given)[1] if given else None
        return score is not None and rest[0] == ("promoter" if score > 8 else "passive" if score > 6 else "detractor")
    days, least, below = rest[-3:]
    amount = 0
    for time, each in moments(what, rest, events):
        amount += each if (oracle.day(now, zone) - oracle.day(time, zone)).days < days else 0
    if what == "active":
        known = {oracle.day(time, zone) for time in done}
        amount = sum((oracle.day(now, zone) - each).days < days for each in known)
    return (least is None or amount >= least) and (below is None or amount < below)


def moments(what: str, rest: list[Any], events: list[Event]) -> Iterator[tuple[int, int]]:
    """When something happened that is summed up, and how much it was."""
    if what == "tickets":
        for life in lives(events):
            if not of(life, "ticket.merged") and (opened := of(life, "ticket.opened")):
                yield opened[0]["time"], 1
    if what == "purchases":
        for payment, refunds in commerce.paid_orders(events):
            yield payment["time"], 0 if commerce.is_returned(payment, refunds) else 1
    if what == "revenue":
        payments = {payment["order"]: payment for payment, _ in commerce.paid_orders(events)}
        for payment in payments.values():
            yield payment["time"], payment["amount"] if payment["currency"] == rest[0] else 0
        for order in {event["order"] for event in of(events, "purchase.refunded")}:
            refunds = [event for event in of(events, "purchase.refunded") if event["order"] == order]
            for refund, amount in commerce.given_back(payments.get(order), sorted(refunds, key=commerce.when)):
                yield refund["time"], -amount if refund["currency"] == rest[0] else 0


def persona(rules: list[Rule], events: list[Event], now: int, zone: str) -> str | None:
    """The first of which all is true."""
    for name, conditions in rules:
        if all(holds(condition, events, now, zone) for condition in conditions):
            return name
    return None


def stage(events: list[Event], now: int) -> str:
    """Where the last move has taken a customer of whom these are all touchpoints, in order of arrival."""
    steps = [event for event in events if travels.is_step(event, oracle.by_customer(event))]
    moves = [
        turn.what for turn in travels.turns(sorted(steps, key=lambda e: e["time"]), now) if turn.what[0] == "moved"
    ]
    return str(moves[-1][2]) if moves else "new"


@dataclass
class Watch:
    """Events in order of arrival, each with the persona and the stage that its customer had then (``then``); ``source``
    says on which partition a customer is, ``reached`` how far event time has come there."""

    rules: list[Rule]
    zone: str
    source: Callable[[str], int]
    then: list[Event] = field(default_factory=list)
    reached: dict[int, int] = field(default_factory=dict)

    def see(self, event: Event) -> None:
        source = self.source(event["customer"])
        now = self.reached[source] = max(self.reached.get(source, 0), event["time"])
        self.then.append({**event, **self.standing(event["customer"], now)})

    def standing(self, customer: str, now: int) -> dict[str, str]:
        """The persona, if any, and the stage of a customer by what has been seen."""
        known = [other for other in self.then if other["customer"] == customer]
        found = persona(self.rules, known, now, self.zone)
        return {"stage": stage(known, now), **({"persona": found} if found is not None else {})}

    def now(self) -> list[Event]:
        """The same, each with the persona and the stage that its customer has now."""
        customers = {event["customer"] for event in self.then}
        found = {customer: self.standing(customer, self.reached[self.source(customer)]) for customer in customers}
        plain = [{name: event[name] for name in event if name not in ("persona", "stage")} for event in self.then]
        return [{**event, **found[event["customer"]]} for event in plain]


def some_rules(random: Random) -> list[Rule]:
    """Rules that stories of some days provoke, with or without one for the rest."""
    names = random.sample(["ash", "birch", "cedar", "elm", "fir"], random.randint(1, 4))
    rules = [(name, [some_condition(random) for _ in range(random.choice((1, 1, 2)))]) for name in names]
    return [*rules, ("rest", [])] if random.random() < 0.6 else rules


def some_condition(random: Random) -> Condition:
    days = random.randint(1, 6)
    least, below = random.choice(((1, None), (2, None), (None, 2), (1, 3)))
    return random.choice(
        [
            ("inactive", days),
            ("first_seen", *random.choice(((days, None), (None, days), (1, days)))),
            ("nps", random.choice(("promoter", "passive", "detractor"))),
            ("active", days, least, below),
            ("tickets", days, least, below),
            ("purchases", days, least, below),
            ("revenue", "EUR", days, *random.choice(((100, None), (200, None), (None, 100), (None, 0)))),
            ("revenue", "USD", days, 1, None),
        ]
    )
