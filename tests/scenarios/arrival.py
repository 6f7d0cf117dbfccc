"""In which order touchpoints arrive, and what goes wrong on the way: lateness, repeats, ids that two events have."""

from collections.abc import Callable, Iterator
from random import Random

from tests.scenarios import relations, shopping, support
from tests.scenarios.population import DAY, HOUR, MINUTE, SECOND, Event, Person, Population

ACTS: tuple[tuple[Callable[[Population, Person], None], int], ...] = (
    (shopping.stroll, 30),
    (shopping.hurry, 4),
    (shopping.fill_cart, 12),
    (shopping.order, 8),
    (support.ticket, 16),
    (support.chat, 9),
    (support.call, 9),
    (relations.survey, 18),
    (relations.email, 12),
    (relations.letter, 3),
    (relations.subscribe, 6),
    (relations.speak, 5),
)
LATE, REPEATED = 0.03, 0.01
DELAYS = (3 * MINUTE, 40 * MINUTE, 5 * HOUR, DAY, 3 * DAY, 9 * DAY)
_BETWEEN = 20
"""Touchpoints of the same customer that may overtake a late one: journeys are exact for up to 24 steps."""


_ACTS = 5
"""Of somebody who has several ids: journeys that are too long cannot be put together."""


def story(seed: int, touchpoints: int, days: int = 120) -> tuple[list[Event], int]:
    """At least so many touchpoints in order of arrival, and when the story ends."""
    people = Population(seed, days)
    acts, weights = zip(*ACTS, strict=True)
    while len(people.told) < touchpoints:
        person = people.person()
        if people.random.random() < 0.02:
            relations.pause(people, person)
            continue
        number = 1 + int(people.random.expovariate(1 / 9))
        if people.random.random() < 0.12:
            people.meet(person)
            number = min(number, _ACTS)
        for act in people.random.choices(acts, weights, k=number):
            act(people, person)
    return [event for _, _, event in sorted(_arriving(people), key=lambda each: each[:2])], people.end


def _arriving(people: Population) -> Iterator[tuple[int, int, Event]]:
    """Each touchpoint with its moment of arrival."""
    random, number = people.random, 0
    lives: dict[str, list[Event]] = {}
    for event in people.told:
        name: str = event["customer"]
        lives.setdefault(people.whose.get(name, name), []).append(event)
    for life in lives.values():
        life.sort(key=lambda event: event["time"])
        for at, event in enumerate(life):
            number += 1
            arrival = event["time"] + random.randrange(2 * SECOND)
            if random.random() < LATE and event["type"] != "customer.identified":
                # Those after it may be late too: half of what there is room for.
                overtaking = life[at + _BETWEEN // 2 : at + _BETWEEN // 2 + 1]
                latest = overtaking[0]["time"] if overtaking else people.end
                arrival = max(arrival, min(arrival + int(random.choice(DELAYS) * random.random()), latest))
            yield arrival, number, event
            if random.random() < REPEATED:
                yield arrival + random.randrange(HOUR), number, _repeat(random, event)


def _repeat(random: Random, event: Event) -> Event:
    """The same again; or something else under the same id, which is taken for the same; or of another customer."""
    chance = random.random()
    if chance < 0.6:
        return event
    if chance < 0.8:
        return {**event, "time": event["time"] + MINUTE, "channel": "web"}
    return {**event, "customer": f"{event['customer']}-too"}
