"""The journeys of the customers of one partition: followed step by step, counted, and told of."""

from collections import Counter
from copy import copy
from typing import Any
from zlib import crc32

from msgspec.structs import replace

from schemas.journey import JourneyStep
from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.customer import Customer
from stream.facts import HandedOver, Moved, PathTaken, Stayed
from stream.journey import STEPS, Course, Journey, JourneyFact, Place, Step, Turn
from stream.keeping import CUSTOMER
from stream.segments import Values
from stream.stages import PRESETS, Signals
from stream.state import State
from stream.tally import Tally
from stream.timers import Timers

_MOST_PLACES = 10_000


class Journeys:
    """Follows journeys, counted by a ``course``. ``told`` are the steps of this batch that others are to hear of."""

    def __init__(self, config: Config, state: State, tally: Tally, timers: Timers) -> None:
        self.course = Course(PRESETS[config.stages], config.lapse_ms, config.handoff_ms)
        self._number = crc32(repr(self.course).encode())
        self._lapse_ms = config.lapse_ms
        self._kept_ms = config.kept("customer")
        self._signals = Signals(config.signals)
        self._state = state
        self._tally = tally
        self._timers = timers
        self._places: dict[Place, Place] = {}
        self.told: list[JourneyStep] = []

    def take(self, customer: Customer, event: Touchpoint, values: Values, watermark_ms: int) -> None:
        """A customer did something, or was done something to, which may be no step at all."""
        if watermark_ms >= self._timers.next_ms:
            self.run_out(watermark_ms)
        signal = self._signals.of(event)
        if signal is None:
            return
        journey = customer.set_out()
        if journey.course != self._number:
            self._change_course(journey)
        time_ms, life = event.time_ms, journey.now
        step = journey.step(time_ms, signal, self._place(event, values))
        if self.course.is_still(life, step, journey.places):
            journey.steps.append(step)
            life.last = step
            if time_ms + self._lapse_ms <= watermark_ms:
                self._lapse(customer, journey, event.customer, watermark_ms)
        elif time_ms >= (life.last_ms + self._lapse_ms if life.lapsed else life.last_ms):
            turns: list[Turn] = []
            journey.steps.append(step)
            self.course.live(life, step, journey.places, turns)
            self._until_now(customer, journey, watermark_ms, turns)
            if turns:
                self._count(event.customer, turns, watermark_ms, event)
        else:
            self._again(customer, journey, step, event, watermark_ms)
        if len(journey.steps) > STEPS:
            self.course.settle(journey)
        if journey.due_ms <= watermark_ms or journey.due_ms <= self._timers.passing.reached_ms:
            self._set_timer(event.customer, journey, self._timers.passing.now_ms(watermark_ms))

    def _change_course(self, journey: Journey) -> None:
        """What was counted by other settings stays as it was."""
        journey.course, journey.base, journey.steps = self._number, copy(journey.now), []

    def _place(self, event: Touchpoint, values: Values) -> Place:
        """Where a step was; the same object for all without a ticket, for there are few different ones of these."""
        place = event.channel, values, event.ticket
        if event.ticket is not None:
            return place
        if len(self._places) > _MOST_PLACES:
            self._places.clear()
        return self._places.setdefault(place, place)

    def _again(self, customer: Customer, journey: Journey, step: Step, event: Touchpoint, watermark_ms: int) -> None:
        """A step belongs before others that came earlier: what they counted as changes."""
        old = self._turns(journey)
        journey.put(step)
        self._become(customer, journey, event.customer, old, watermark_ms, event)

    def _turns(self, journey: Journey) -> list[Turn]:
        """What the steps of a journey that can still be put in order count as now."""
        life, turns = self.course.lived(journey, journey.steps)
        if journey.now.lapsed and not life.lapsed:
            self.course.lapse(life, journey.places, turns)
        return turns

    def _become(
        self,
        customer: Customer,
        journey: Journey,
        name: str,
        old: list[Turn],
        watermark_ms: int,
        event: Touchpoint | None = None,
    ) -> None:
        """Count the steps of a journey anew, which counted as ``old``."""
        journey.now, new = self.course.lived(journey, journey.steps)
        self._until_now(customer, journey, watermark_ms, new)
        was, now = Counter(old), Counter(new)
        self._take_back(name, list((was - now).elements()), watermark_ms, event)
        self._count(name, list((now - was).elements()), watermark_ms, event)

    def withdraw(self, customer: Customer, name: str, watermark_ms: int) -> None:
        """Count the journey of the customer of that name no more, as far as its steps can still be put in order."""
        journey = customer.journey
        if journey is not None and journey.course == self._number:
            self._take_back(name, self._turns(journey), watermark_ms, None)

    def absorb(self, customer: Customer, name: str, other: Journey, watermark_ms: int) -> None:
        """The steps of another id of the same customer belong to this journey."""
        journey = customer.set_out()
        for each in (journey, other):
            if each.course != self._number:
                self._change_course(each)
        old = self._turns(journey)
        self._count(name, self.course.join(journey, other), watermark_ms)
        journey.join(other)
        self._become(customer, journey, name, old, watermark_ms)
        if len(journey.steps) > STEPS:
            self.course.settle(journey)
        self._set_timer(name, journey, self._timers.passing.now_ms(watermark_ms))

    def _until_now(self, customer: Customer, journey: Journey, watermark_ms: int, turns: list[Turn]) -> None:
        """A customer of whom nothing has been heard since has lapsed meanwhile, if not forgotten before."""
        now_ms, life = self._timers.passing.now_ms(watermark_ms), journey.now
        now_ms = min(now_ms, customer.touched_ms + self._kept_ms)
        if not life.lapsed and life.last_ms + self._lapse_ms <= now_ms:
            self.course.lapse(life, journey.places, turns)

    def _lapse(self, customer: Customer, journey: Journey, name: str, watermark_ms: int) -> None:
        """The customer of that name may have lapsed."""
        turns: list[Turn] = []
        self._until_now(customer, journey, watermark_ms, turns)
        self._count(name, turns, watermark_ms)

    def _set_timer(self, customer: str, journey: Journey, now_ms: int) -> None:
        """Have somebody looked at again who may lapse."""
        due_ms = journey.now.last_ms + self._lapse_ms
        if not journey.now.lapsed and due_ms > now_ms:
            journey.due_ms = due_ms
            self._timers.set(CUSTOMER + customer.encode(), due_ms)

    def run_out(self, watermark_ms: int) -> None:
        """Look at the customers of whom nothing may have been heard for long."""
        now_ms = self._timers.passing.now_ms(watermark_ms)
        for due_ms, key in self._timers.run_out(now_ms):
            customer = self._state.get(key, Customer.decode)
            if customer is None or customer.journey is None or customer.journey.due_ms != due_ms:
                continue
            self._state.put(key, customer)
            journey = customer.set_out()
            self._lapse(customer, journey, key[1:].decode(), watermark_ms)
            self._set_timer(key[1:].decode(), journey, now_ms)

    def end(self, customer: Customer, name: str, watermark_ms: int) -> None:
        """A customer is about to be forgotten: the lapse before that still counts."""
        journey = customer.journey
        if journey is not None:
            self._lapse(customer, journey, name, watermark_ms)

    def _count(self, customer: str, turns: list[Turn], watermark_ms: int, event: Touchpoint | None = None) -> None:
        for time_ms, place, fact, _ in turns:
            self._count_one(fact, place[1], time_ms, watermark_ms)
        self._tell(customer, turns, event)

    def _count_one(self, fact: JourneyFact, values: Values, time_ms: int, watermark_ms: int) -> None:
        """There are many different paths and times in a stage: these count by the day."""
        if type(fact) is Stayed or type(fact) is PathTaken:
            self._tally.count_day(fact, values, time_ms, watermark_ms)
        else:
            self._tally.add(self._tally.codes(fact, values), time_ms, watermark_ms)

    def _take_back(self, customer: str, turns: list[Turn], watermark_ms: int, event: Touchpoint | None) -> None:
        for time_ms, place, fact, _ in turns:
            self._count_one(replace(fact, sign=-1), place[1], time_ms, watermark_ms)
        self._tell(customer, turns, event, retracted=True)

    def _tell(self, customer: str, turns: list[Turn], event: Touchpoint | None, retracted: bool = False) -> None:
        for time_ms, place, fact, after_ms in turns:
            if isinstance(fact, Moved):
                what = fact.stage
                turn: dict[str, Any] = {"stage": fact.stage, "from_stage": fact.before, "after_ms": after_ms}
            elif isinstance(fact, HandedOver):
                what = f"{fact.before}>{fact.channel}"
                turn = {"from_channel": fact.before, "same_ticket": fact.same_ticket}
            else:
                continue
            step = JourneyStep(
                id=f"{customer}/{time_ms}/{what}",
                customer=customer,
                time_ms=time_ms,
                channel=place[0],
                event=event.id if event is not None and event.time_ms == time_ms else None,
                retracted=retracted,
                **turn,
            )
            self.told.append(step)

    def clear(self) -> None:
        """Begin the next batch."""
        self.told.clear()
