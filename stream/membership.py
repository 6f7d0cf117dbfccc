"""What the customers of one partition are, their persona and stage: touchpoint by touchpoint, and as time passes.

A touchpoint counts in the persona and the stage that the customer had when it came; the days on which the customer was
active count in those that the customer has now.
"""

from zlib import crc32

from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.customer import Customer
from stream.facts import Fact
from stream.journey import begun
from stream.journeys import Journeys
from stream.keeping import CUSTOMER
from stream.personas import Now, Profile, Rules
from stream.presence import Presence
from stream.segments import Values
from stream.standing import STAGE, Standing
from stream.state import State
from stream.tally import Tally
from stream.timers import Timers

KIND = b"p"
"""Of the timers: those of customers, but for what they are."""

Heard = tuple[int, Fact]
"""When it happened, and what."""


class Ear:
    """Counts in a tally, and remembers what was ``heard`` of the cases of the customer at hand; and what was
    ``overheard``, by customer, that time alone made of cases.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.heard: list[Heard] = []
        self.overheard: dict[str, list[Heard]] = {}
        self._hears = [self.heard]

    def turn_to(self, customer: str) -> None:
        self._hears.append(self.overheard.setdefault(customer, []))

    def turn_back(self) -> None:
        self._hears.pop()

    def count(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None:
        self._hears[-1].append((time_ms, fact))
        self._tally.count(fact, values, time_ms, watermark_ms)

    def count_day(self, fact: Fact, values: Values, time_ms: int, watermark_ms: int) -> None:
        self._tally.count_day(fact, values, time_ms, watermark_ms)

    def clear(self) -> None:
        """Nothing was heard."""
        self.heard.clear()
        self.overheard.clear()
        del self._hears[1:]


class Membership:
    """Follows what customers are; ``ear`` is to hear what becomes of their orders, tickets and answers."""

    def __init__(
        self, config: Config, state: State, presence: Presence, journeys: Journeys, tally: Tally, timers: Timers
    ) -> None:
        self._rules = Rules(config.personas)
        self._by = config.personal
        self._course = crc32(repr((config.personas, self._by, journeys.course)).encode())
        self._places = [(at, name) for at, name in enumerate(config.dimensions) if name in config.own]
        self._has_stages = STAGE in config.dimensions
        self._journeys = journeys
        self._calendar = config.calendar
        self._kept_ms = config.kept("customer")
        self._state = state
        self._presence = presence
        self._timers = timers
        self._now = Now(0, 0)
        self._day_ends_ms = 0
        self.ear = Ear(tally)

    def meet(self, customer: Customer, event: Touchpoint, values: Values, watermark_ms: int) -> Values:
        """A touchpoint has come, with these values of all other dimensions: its values, by the customer before it."""
        self.ear.heard.clear()
        profile, now = customer.profiled(), self._moment(watermark_ms)
        if not self._is_settled(profile, now):
            self._settle(customer, profile, now, watermark_ms)
            self._set_timer(customer, event.customer, profile, now)
        found, own = list(values), profile.standing.own
        for at, name in self._places:
            found.insert(at, own.get(name))
        return tuple(found)

    def follow(self, customer: Customer, event: Touchpoint, watermark_ms: int) -> None:
        """The touchpoint has been counted: what it makes of the customer."""
        profile, now = customer.profiled(), self._moment(watermark_ms)
        day = self._calendar.day_number(event.time_ms) if event.by_customer else None
        is_news = self._rules.see(profile, event.time_ms, day, now)
        if is_news or self.ear.heard or self._has_moved(customer, profile, now) or not self._is_settled(profile, now):
            self._learn(customer, profile, event.customer, self.ear.heard, now, watermark_ms)

    def _learn(
        self, customer: Customer, profile: Profile, name: str, heard: list[Heard], now: Now, watermark_ms: int
    ) -> None:
        """What was heard of the customer's cases, and what it makes of the customer."""
        for time_ms, fact in heard:
            self._rules.learn(profile, fact, now, self._calendar.day_number(time_ms), time_ms)
        heard.clear()
        self._settle(customer, profile, now, watermark_ms)
        self._set_timer(customer, name, profile, now)

    def absorb(self, customer: Customer, name: str, other: Profile | None, watermark_ms: int) -> None:
        """What was kept of another id of the same customer is; ``other``, or what was heard of a case."""
        profile, now = customer.profiled(), self._moment(watermark_ms)
        if other is not None:
            self._rules.join(profile, other, now)
        self._learn(customer, profile, name, self.ear.heard, now, watermark_ms)

    def run_out(self, watermark_ms: int) -> None:
        """Look at the customers whom time alone may have made others, after it has changed their cases."""
        while self.ear.overheard:
            name, heard = self.ear.overheard.popitem()
            self._overhear(name, heard, watermark_ms)
        for due_ms, key in self._timers.run_out(self._timers.passing.now_ms(watermark_ms)):
            customer = self._state.get(CUSTOMER + key[1:], Customer.decode)
            if customer is None or customer.profile is None or customer.profile.due_ms != due_ms:
                continue
            if due_ms > customer.touched_ms + self._kept_ms:
                continue  # the customer is forgotten by then
            self._state.put(CUSTOMER + key[1:], customer)
            profile, now = customer.profiled(), self._moment(watermark_ms, customer.touched_ms + self._kept_ms)
            self._settle(customer, profile, now, watermark_ms)
            self._set_timer(customer, key[1:].decode(), profile, now)

    def _overhear(self, name: str, heard: list[Heard], watermark_ms: int) -> None:
        customer = self._state.get(CUSTOMER + name.encode(), Customer.decode)
        if heard and customer is not None and customer.joined is None:
            self._state.put(CUSTOMER + name.encode(), customer)
            now = self._moment(watermark_ms, customer.touched_ms + self._kept_ms)
            self._learn(customer, customer.profiled(), name, heard, now, watermark_ms)

    def clear(self) -> None:
        """What was heard is not to be."""
        self.ear.clear()

    def end(self, customer: Customer, watermark_ms: int) -> None:
        """A customer is about to be forgotten: what time has made of them before that still counts."""
        if customer.profile is not None:
            now = self._moment(watermark_ms, customer.touched_ms + self._kept_ms)
            self._settle(customer, customer.profiled(), now, watermark_ms)

    def _moment(self, watermark_ms: int, latest_ms: int | None = None) -> Now:
        """How far event time has come, or ``latest_ms`` where that is earlier."""
        now_ms = self._timers.passing.now_ms(watermark_ms)
        if latest_ms is not None and latest_ms < now_ms:
            return Now(latest_ms, self._calendar.day_number(latest_ms))
        if now_ms != self._now.ms:
            day = self._now.day
            if not self._now.ms <= now_ms < self._day_ends_ms:
                day = self._calendar.day_number(now_ms)
                self._day_ends_ms = self._calendar.day_end_ms(self._calendar.day_start_ms(now_ms))
            self._now = Now(now_ms, day)
        return self._now

    def _is_settled(self, profile: Profile, now: Now) -> bool:
        """Whether time alone cannot have made a customer another one since these rules were last looked at."""
        return profile.course == self._course and now.ms < profile.due_ms

    def _settle(self, customer: Customer, profile: Profile, now: Now, watermark_ms: int) -> None:
        """The customer is what the rules and the journey say: the days of activity move there."""
        old, new = profile.standing, self._standing(customer, profile, now)
        if new != old:
            self._presence.move(customer, old, new, watermark_ms)
            profile.counted_by, profile.persona, profile.stage = new
        profile.course = self._course

    def _standing(self, customer: Customer, profile: Profile, now: Now) -> Standing:
        return Standing(self._by, self._rules.persona(profile, now), self._stage(customer, now))

    def _stage(self, customer: Customer, now: Now) -> str | None:
        return self._journeys.course.stage((customer.journey or begun()).now, now.ms) if self._has_stages else None

    def _has_moved(self, customer: Customer, profile: Profile, now: Now) -> bool:
        """Whether a step has taken the customer to another stage."""
        return self._has_stages and self._stage(customer, now) != profile.stage

    def _set_timer(self, customer: Customer, name: str, profile: Profile, now: Now) -> None:
        """Have the customer of that name looked at again once time alone may change them; not later than is said."""
        due_ms = self._rules.changes_ms(profile, now, self._calendar.day_number_start_ms)
        if self._has_stages and customer.journey is not None:
            lapses_ms = self._journeys.course.lapses_ms(customer.journey.now)
            due_ms = lapses_ms if now.ms < lapses_ms and not 0 < due_ms < lapses_ms else due_ms
        if due_ms and not now.ms < profile.due_ms <= due_ms:
            profile.due_ms = due_ms
            self._timers.set(KIND + name.encode(), due_ms)
