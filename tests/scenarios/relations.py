"""What is between customers and us beside buying and asking: surveys, emails, accounts, and what is said in public."""

from typing import Any

from tests.scenarios.population import DAY, HOUR, MINUTE, SECOND, Person, Population

SCALES: dict[str, tuple[tuple[int, int] | None, ...]] = {
    "ces": (None, None, (1, 7), (1, 5), (0, 10)),
    "csat": (None, (1, 5), (1, 5), (1, 7), (-2, 2)),
    "nps": (None, None, (0, 10)),
}
USUAL = {"ces": (1, 7), "csat": (1, 10), "nps": (0, 10)}
REASONS = ("price", "speed", "service", "quality")


def survey(people: Population, person: Person) -> None:
    """A survey, sent or not, answered up to three times; some scores are off their scale."""
    random, time = people.random, people.moment(person)
    kind = random.choice(("ces", "csat", "nps"))
    name = f"{kind}-{random.randint(1, 3)}" if random.random() < 0.3 else f"survey-{people.number()}"
    about: dict[str, Any] = {"survey": name, "kind": kind, "channel": random.choice(("email", "web", "app"))}
    about["purpose"] = random.choice(("relational", "transactional", "in_the_moment"))
    if person.tickets and random.random() < 0.2:
        about["ticket"] = person.tickets[-1]
    if random.random() < 0.9:
        people.tell(person, time, "survey.sent", **about)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 3))):
        time += random.choice((0, 5 * SECOND, 10 * MINUTE, 8 * HOUR, 2 * DAY))
        scale = random.choice(SCALES[kind])
        low, high = scale or USUAL[kind]
        answer: dict[str, Any] = {"score": random.randint(low, high)}
        if random.random() < 0.01:
            answer["score"] = high + 1
        if scale is not None:
            answer["scale"] = {"min": low, "max": high}
        if random.random() < 0.5:
            answer["reasons"] = random.choices(REASONS, (6, 3, 2, 1), k=random.randint(0, 3))
        people.tell(person, time, "survey.answered", **about, **answer)


def email(people: Population, person: Person) -> None:
    """An email of ours and what became of it; some have no id, some were never said to be delivered."""
    random, time = people.random, people.moment(person)
    about: dict[str, Any] = {"channel": "email", "campaign": "spring"}
    if random.random() < 0.95:
        about["email"] = f"m{people.number()}"
    people.tell(person, time, "email.sent", **about)
    fates = ["bounced"] if random.random() < 0.08 else []
    fates += ["delivered"] if random.random() < 0.95 else []
    if random.random() < 0.5:
        fates += random.choice((["clicked"], ["opened", "opened", "clicked", "unsubscribed"][: random.randint(1, 4)]))
    if random.random() < 0.1:
        random.shuffle(fates)
    for fate in fates:
        time += random.choice((SECOND, MINUTE, 3 * HOUR, DAY))
        people.tell(person, time, f"email.{fate}", **about)


def letter(people: Population, person: Person) -> None:
    """The customer writes to us."""
    people.tell(person, people.moment(person), "email.received", channel="email", subject="a question")


def subscribe(people: Population, person: Person) -> None:
    """An account, with or without a name: tried, paid in time, too late, before its start or never; left, and again."""
    random, time = people.random, people.moment(person)
    about: dict[str, Any] = {"account": f"a{people.number()}"} if random.random() < 0.8 else {}
    about["channel"] = random.choice(("web", "app"))
    if random.random() < 0.5:
        people.tell(person, time, "account.created", **about)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
        time += random.choice((0, MINUTE, DAY))
        ends: dict[str, Any] = {}
        if random.random() < 0.6:
            ends = {"ends_ms": time + random.choice((-DAY, 7 * DAY, 14 * DAY, 60 * DAY))}
        people.tell(person, time, "account.trial_started", **about, **ends)
    for _ in range(random.choice((0, 1, 1, 2))):
        paid = time + random.choice((-HOUR, 0, DAY, 10 * DAY, 20 * DAY, 30 * DAY, 31 * DAY, 40 * DAY))
        people.tell(person, paid, "account.converted", **about)
        if random.random() < 0.4:
            time = paid + random.choice((0, DAY, 20 * DAY, 50 * DAY))
            people.tell(person, time, "account.cancelled", reason="too dear", **about)
            if random.random() < 0.3:
                people.tell(person, time + random.choice((0, 5 * DAY)), "account.converted", **about)
    if random.random() < 0.1:
        people.tell(person, time, "account.cancelled", **about)


def speak(people: Population, person: Person) -> None:
    """Something said of us in public."""
    random, time = people.random, people.moment(person)
    if random.random() < 0.5:
        people.tell(person, time, "review.posted", rating=random.randint(1, 5))
    else:
        mood = random.choice(({}, {"sentiment": "positive"}, {"sentiment": "neutral"}, {"sentiment": "negative"}))
        people.tell(person, time, "social.mention", channel="social", **mood)


def pause(people: Population, person: Person) -> None:
    """All that is heard of somebody is, again and again, a word after as long as makes a customer lapse, or almost."""
    random, time = people.random, person.since
    for _ in range(3):
        people.tell(person, time, "email.received", channel=random.choice(("email", "web")))
        time += random.choice((DAY, 30 * DAY)) + random.choice((-1, 0, 1))
