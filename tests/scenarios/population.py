"""Who the customers are, and what they live through: from a seed, as plain touchpoints."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

Event = dict[str, Any]
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START = 1_768_003_200_000
"""2026-01-10 00:00 UTC."""
RUSH = 6 * HOUR
"""The last hours of a story, of which fine slices are still kept, are the busiest."""
CHANNELS = ("web", "web", "app", "chat", "phone", "email", "social", "in_person", "kiosk", "counter")
"""Where customers are at home; two of them are none of the usual."""
REGIONS, SEGMENTS = ("eu", "us", "apac"), ("new", "regular", "vip")
PRODUCTS, PLACES = ("phone", "laptop", "tablet", "router"), ("home", "checkout", "security", "help")
SKEW = {"shop": 0, "crm": -2_500, "contact-centre": 40_000, "mailer": 1_700}
"""By how much the clock of each source is wrong."""
SOURCES = {"ticket": "crm", "call": "contact-centre", "chat": "contact-centre", "email": "mailer", "survey": "mailer"}


@dataclass
class Person:
    """A customer who is with us in these stretches of time, and away between them."""

    name: str
    channel: str
    region: str
    product: str
    since: int
    stays: list[tuple[int, int]]
    tickets: list[str] = field(default_factory=list)
    other: str = ""
    known: int = 0
    """Also called ``other``: before ``known``; where that is 0, now and then."""


class Population:
    """Tells of customers until there are enough touchpoints. ``told`` are these, in no order."""

    def __init__(self, seed: int, days: int = 120) -> None:
        self.random = Random(seed)
        self.end = START + days * DAY - 6 * HOUR - 23 * MINUTE
        self.told: list[Event] = []
        self.tickets: list[str] = []
        self.whose: dict[str, str] = {}
        self._number = 0

    def number(self) -> int:
        """One that nothing else has."""
        self._number += 1
        return self._number

    def person(self) -> Person:
        """Somebody who comes once, stays, or leaves for long and returns."""
        random, end = self.random, self.end
        since = START + int(random.random() ** 1.5 * (end - START))
        until = min(end, since + int(random.expovariate(1 / (35 * DAY))) + HOUR)
        stays = [(since, until)]
        back = until + random.choice((31, 32, 40, 60)) * DAY + random.randrange(DAY)
        if back < end and random.random() < 0.5:
            stays.append((back, min(end, back + 20 * DAY)))
        if random.random() < 0.25:
            stays.append((max(since, end - RUSH), end))
        name = f"customer-{self.number()}"
        return Person(name, random.choice(CHANNELS), random.choice(REGIONS), random.choice(PRODUCTS), since, stays)

    def meet(self, person: Person) -> None:
        """It turns out that somebody has another id: a browser's until the sign-in, or that of another system."""
        time = self.moment(person)
        person.other = f"{self.random.choice(('browser', 'crm'))}-{person.name}"
        self.whose[person.other] = person.name
        is_browser = person.other.startswith("browser")
        person.known = time if is_browser else 0
        names = [person.name, person.other]
        if not is_browser:
            self.random.shuffle(names)
        self.tell(person, time, "customer.identified", customer=names[0], previous=names[1])

    def name(self, person: Person, time: int) -> str:
        """By which id somebody is known at a time: by one of them at one moment, or there would be no order in it."""
        if not person.other:
            return person.name
        is_other = time < person.known if person.known else time % 5 < 2
        return person.other if is_other else person.name

    def moment(self, person: Person) -> int:
        """Some time while a customer is with us; often on, or beside, an edge of the slices."""
        since, until = self.random.choice(person.stays)
        time = since + int(self.random.random() * (until - since))
        if self.random.random() < 0.1:
            grain = self.random.choice((10 * SECOND, MINUTE, HOUR, DAY))
            time = max(person.since, time - time % grain - self.random.choice((0, 0, 1)))
        return time

    def tell(self, person: Person, time: int, kind: str, /, **fields: Any) -> None:
        """A touchpoint, by the clock of its source; nothing is told from the end on."""
        random = self.random
        source = SOURCES.get(kind.partition(".")[0], "shop")
        time += SKEW[source]
        if not START <= time < self.end:
            return
        event: Event = {"type": kind, "id": f"e{self.number()}", "time": time, "customer": self.name(person, time)}
        event["channel"] = person.channel
        event["source"] = source
        chance = random.random()
        if chance < 0.95:
            event["region"] = person.region
        if chance > 0.03:
            event["segment"] = SEGMENTS[min(2, (time - person.since) // (25 * DAY))]
        if chance > 0.2:
            event["product"] = person.product if chance < 0.8 else random.choice(PRODUCTS)
        if 0.1 < chance < 0.7:
            event["touchpoint"] = PLACES[int(chance * 40) % 4]
        event.update(fields)
        self.told.append(event)
