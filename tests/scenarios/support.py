"""What customers ask us: tickets by every way, chats and calls, and how long they wait."""

from typing import Any

from tests.scenarios.population import DAY, HOUR, MINUTE, SECOND, Person, Population

TOPICS = ("billing", "delivery", "login")
TEAMS = ("first line", "second line", "billing")
PRIORITIES = ("low", "normal", "high", "urgent")
STEPS = (0, 1, 9_999, 40 * SECOND, 5 * MINUTE, 50 * MINUTE, 3 * HOUR, 7 * HOUR, DAY, 3 * DAY)


def ticket(people: Population, person: Person) -> None:
    """A ticket from its opening to its end, if there is one; in its order, or in none."""
    random = people.random
    about = {"ticket": _name(people, person)}
    time, channel = people.moment(person), random.choice(("email", "chat", "phone", person.channel))
    steps: list[tuple[int, str, dict[str, Any]]] = []
    team = random.choice(TEAMS)
    if random.random() < 0.95:
        opening: dict[str, Any] = {"author": random.choices(("customer", "agent", "bot"), (90, 8, 2))[0]}
        opening |= {"topic": random.choice(TOPICS)} if random.random() < 0.85 else {}
        opening |= {"priority": random.choice(PRIORITIES)} if random.random() < 0.75 else {}
        steps.append((time, "ticket.opened", opening | {"team": team}))
        if random.random() < 0.03:
            steps.append((time + HOUR, "ticket.opened", opening | {"topic": "login", "priority": "urgent"}))
    session = {"session": f"s{people.number()}"} if channel == "chat" else {}
    for _ in range(random.randint(0, 5)):
        time += random.choice(STEPS)
        steps.append((time, *_step(people, session, team)))
    for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
        time += random.choice(STEPS)
        steps.append((time, random.choice(("ticket.resolved",) * 4 + ("ticket.closed",)), {}))
        if random.random() < 0.15:
            time += random.choice(STEPS)
            steps.append((time, "ticket.reopened", {"author": random.choice(("customer", "agent"))}))
            steps.append((time + HOUR, "ticket.resolved", {}))
        if random.random() < 0.2:
            steps.append((time + random.choice(STEPS), "ticket.closed", {}))
    if random.random() < 0.06:
        into = about["ticket"] if random.random() < 0.1 else random.choice(people.tickets)
        steps.append((time, "ticket.merged", {"into": into}))
    if random.random() < 0.06:
        times = [step[0] for step in steps]
        random.shuffle(times)  # as where systems write down what was at some other time
        steps = [(other, *step[1:]) for other, step in zip(times, steps, strict=True)]
    for at, kind, fields in steps:
        where = channel if random.random() < 0.85 else random.choice(("phone", "web", "email"))
        people.tell(person, at, kind, **{"channel": where, **about, **fields})


def _name(people: Population, person: Person) -> str:
    """A new ticket, seldom one that somebody else has too, or that the customer had before."""
    chance = people.random.random()
    if chance < 0.02 and people.tickets:
        name = people.random.choice(people.tickets)
    elif chance < 0.04 and person.tickets:
        name = people.random.choice(person.tickets)
    else:
        name = f"t{people.number()}"
    person.tickets.append(name)
    people.tickets.append(name)
    return name


def _step(people: Population, session: dict[str, Any], team: str) -> tuple[str, dict[str, Any]]:
    random = people.random
    author = random.choices(("customer", "agent", "bot"), (35, 55, 10))[0]
    if session:
        word = "chat.message", {"author": author, **(session if random.random() < 0.8 else {})}
    else:
        word = "ticket.replied", {"author": author, "public": random.random() < 0.85}
    return random.choice(
        (
            *(word,) * 8,
            ("email.received", {"channel": "email"}),
            ("call.started", {"channel": "phone", "direction": random.choice(("inbound", "outbound"))}),
            ("ticket.assigned", {"team": random.choice((team, *TEAMS))}),
            ("ticket.assigned", {}),
            ("ticket.pending", {"waiting_for": "customer"}),
            ("chat.handed_off", random.choice(({"to_team": random.choice(TEAMS)}, {"to_channel": "phone"}))),
        )
    )


def chat(people: Population, person: Person) -> None:
    """A chat: with a bot, with a person, or given up before."""
    random, time = people.random, people.moment(person)
    about: dict[str, Any] = {"channel": "chat", "session": f"s{people.number()}"}
    if random.random() < 0.02:
        del about["session"]
    if random.random() < 0.97:
        urgent = {"priority": random.choice(PRIORITIES)} if random.random() < 0.6 else {}
        people.tell(person, time, "chat.started", **about, **urgent)
    for author in ("bot", "customer", "agent", "customer", "agent")[: random.randint(0, 5)]:
        time += int(random.expovariate(1 / (90 * SECOND)))
        people.tell(person, time, "chat.message", author=author, **about)
    if random.random() < 0.9:
        time += random.choice((0, random.randrange(MINUTE)))
        people.tell(person, time, "chat.ended", abandoned=random.random() < 0.3, **about)


def call(people: Population, person: Person) -> None:
    """A call, by the customer or by us; waited for, or not."""
    random, time = people.random, people.moment(person)
    about: dict[str, Any] = {"channel": "phone", "session": f"s{people.number()}"}
    direction = {"direction": random.choice(("inbound", "outbound"))} if random.random() < 0.3 else {}
    urgent = {"priority": random.choice(PRIORITIES)} if random.random() < 0.6 else {}
    for _ in range(random.choice((0, 1, 1, 1, 1, 1, 1, 2))):
        people.tell(person, time + random.choice((0, SECOND)), "call.started", **about, **direction, **urgent)
    time += int(random.expovariate(1 / (3 * MINUTE)))
    if random.random() < 0.75:
        said = {"wait_ms": random.randrange(10 * MINUTE)} if random.random() < 0.4 else {}
        people.tell(person, time, "call.answered", **about, **said)
    if random.random() < 0.9:
        time += random.choice((-SECOND, 0, random.randrange(10 * MINUTE), random.randrange(10 * MINUTE)))
        people.tell(person, time, "call.ended", abandoned=random.random() < 0.3, **about)
