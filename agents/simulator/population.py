"""Everybody at once: the journeys of a population, and the one stream of touchpoints that comes of them."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, merge
from random import Random
from typing import Final
from zlib import crc32

from agents.simulator.casting import Cast
from agents.simulator.catalogue import PRODUCTS
from agents.simulator.incident import Incident, IncidentError
from agents.simulator.persona import Customer, draw_customers
from agents.simulator.scene import Scene
from agents.simulator.scripts import play, play_surge
from schemas.touchpoint import Touchpoint

EVENTS_PER_JOURNEY: Final = 5.8
"""Measured average over the default mix; turns a rate of events into a rate of journeys."""

CUSTOMERS_PER_EVENT_PER_SECOND: Final = 100
"""The default rate: a customer has an event every 100 seconds, about four journeys an hour."""

Journey = tuple[int, list[Touchpoint]]


class Population:
    """``customers`` living from ``start_ms`` for ``duration_ms``; iterating yields their touchpoints by event time.

    The same arguments give the same events, each time. All randomness comes from ``seed``; a longer duration only adds
    to the end, and an incident changes nothing but the journeys that it touches, apart from those that it adds.
    Journeys begin at a constant rate, so that the events come at ``events_per_second`` (of event time, a hundredth of
    the customers by default) once the longer journeys have got going; what would happen after the end is cut off.

    Raises:
        ValueError: a count, duration or rate is not positive.
        IncidentError: an incident lies outside the run, or no customer is in the segment and region that it names.
    """

    def __init__(
        self,
        seed: int,
        customers: int,
        start_ms: int,
        duration_ms: int,
        events_per_second: float | None = None,
        incidents: Sequence[Incident] = (),
    ) -> None:
        rate = customers / CUSTOMERS_PER_EVENT_PER_SECOND if events_per_second is None else events_per_second
        if customers <= 0 or duration_ms <= 0 or rate <= 0:
            raise ValueError(f"need some customers, duration and rate, got {customers}, {duration_ms} ms, {rate}/s")
        self.seed, self.start_ms, self.end_ms = seed, start_ms, start_ms + duration_ms
        self.events_per_second = rate
        self.incidents = tuple(incidents)
        self.customers = draw_customers(Random(f"{seed} customers"), customers)
        self._journeys_per_ms = rate / EVENTS_PER_JOURNEY / 1000
        self._run = f"{crc32(repr((seed, customers, start_ms, rate)).encode()):08x}"
        self._crowds = [self._crowd(incident) for incident in self.incidents]

    def __iter__(self) -> Iterator[Touchpoint]:
        surges = [self._surge(number, incident) for number, incident in enumerate(self.incidents)]
        waiting: list[tuple[int, int, Touchpoint]] = []
        order = 0
        for begin_ms, events in merge(self._everyday(), *surges, key=_begin):
            while waiting and waiting[0][0] <= begin_ms:
                yield heappop(waiting)[2]
            for event in events:
                if event.time_ms >= self.end_ms:
                    break
                heappush(waiting, (event.time_ms, order, event))
                order += 1
        while waiting:
            yield heappop(waiting)[2]

    def _everyday(self) -> Iterator[Journey]:
        """What happens anyway. Journeys roll their own dice, so that one of them going another way changes no other."""
        arrivals, dice, cast = Random(f"{self.seed} arrivals"), Random(), Cast(self.customers)
        salt = crc32(f"{self.seed} journeys".encode()) << 64
        now_ms, number = float(self.start_ms), 0
        while (now_ms := now_ms + arrivals.expovariate(self._journeys_per_ms)) < self.end_ms:
            customer, script = cast.next(arrivals, int(now_ms))
            dice.seed(salt + number)
            product = customer.favourite if dice.random() < 0.6 else dice.choice(tuple(PRODUCTS))
            incidents = self._concerning(customer)
            scene = Scene(f"{self._run}-{number:x}", customer, product, int(now_ms), dice, incidents)
            play(scene, script)
            cast.remember(customer, scene.events)
            yield int(now_ms), scene.events
            number += 1

    def _surge(self, index: int, incident: Incident) -> Iterator[Journey]:
        """The journeys that an incident draws in addition."""
        rate = self._journeys_per_ms * incident.surge
        salt = crc32(f"{self.seed} surge {index}".encode()) << 64
        arrivals, dice = Random(f"{self.seed} surge {index}"), Random()
        now_ms, number = float(max(incident.start_ms, self.start_ms)), 0
        while rate and (now_ms := now_ms + arrivals.expovariate(rate)) < min(incident.end_ms, self.end_ms):
            customer = arrivals.choice(self._crowds[index])
            dice.seed(salt + number)
            product = incident.where.get("product", customer.favourite)
            name = f"{self._run}-i{index}-{number:x}"
            scene = Scene(name, customer, product, int(now_ms), dice, self._concerning(customer), surge=True)
            play_surge(scene, incident)
            yield int(now_ms), scene.events
            number += 1

    def _concerning(self, customer: Customer) -> tuple[Incident, ...]:
        return tuple(incident for incident in self.incidents if incident.concerns(customer))

    def _crowd(self, incident: Incident) -> list[Customer]:
        if not (incident.start_ms < self.end_ms and incident.end_ms > self.start_ms):
            raise IncidentError(f"{incident.kind} lies outside the run: it would never be seen")
        crowd = [customer for customer in self.customers if incident.concerns(customer)]
        if not crowd:
            raise IncidentError(
                f"{incident.kind}: none of {len(self.customers)} customers is in {dict(incident.where)}"
            )
        return crowd


def _begin(journey: Journey) -> int:
    return journey[0]
