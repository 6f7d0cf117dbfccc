"""Personas: what a customer is, by rules over the customer's own history; and what is kept of that for the rules.

A persona follows from what is known of a customer and from the time, and from nothing else: it is the first one whose
conditions all hold. Of sums only days are kept, for as long as some rule asks for them.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

from msgspec import Struct

from stream.facts import Answered, Fact, Opened, Purchased, Refunded
from stream.slices import DAY_MS
from stream.standing import Standing

ACTIVE, PURCHASES, TICKETS, REVENUE = "active", "purchases", "tickets", "revenue."
"""What is summed up by day; revenue by its currency."""
NPS_GROUPS = ("promoter", "passive", "detractor")
_SCORES = 8
"""NPS answers of one customer, the last ones, that may still be taken back."""


class Profile(Struct, array_like=True):
    """What is kept of a customer. The days of activity count in the segments of ``persona`` and ``stage`` (None: in
    none), of the segmentations ``counted_by``.

    ``due_ms`` is when the customer is to be looked at again, ``course`` by what rules that was said. ``first_ms`` is
    the first touchpoint, ``last_ms`` the last thing that the customer did (both 0 before there is one). ``scores`` are
    the last NPS answers by time; ``sums`` are by what is summed up, and by day.
    """

    persona: str | None = None
    counted_by: tuple[tuple[str, ...], ...] = ()
    due_ms: int = 0
    course: int = 0
    first_ms: int = 0
    last_ms: int = 0
    scores: list[tuple[int, int]] = []
    sums: dict[str, dict[int, int]] = {}
    stage: str | None = None

    @property
    def standing(self) -> Standing:
        """Where the days of activity count."""
        return Standing(self.counted_by, self.persona, self.stage)


@dataclass(frozen=True, slots=True)
class Now:
    """A moment and the day that it is on, by its number."""

    ms: int
    day: int


Midnight = Callable[[int], int]
"""When the day of a number begins."""


@dataclass(frozen=True, slots=True)
class Within:
    """Something comes to an amount in the last ``days`` days, of which today is one."""

    measure: str
    days: int
    at_least: int | None = None
    below: int | None = None

    def holds(self, profile: Profile, now: Now) -> bool:
        total = sum(amount for day, amount in profile.sums.get(self.measure, {}).items() if day > now.day - self.days)
        return (self.at_least is None or total >= self.at_least) and (self.below is None or total < self.below)

    def changes_ms(self, profile: Profile, now: Now, midnight: Midnight) -> list[int]:
        """The first of these days is over."""
        inside = [day for day in profile.sums.get(self.measure, ()) if day > now.day - self.days]
        return [midnight(min(inside) + self.days)] if inside else []


@dataclass(frozen=True, slots=True)
class Inactive:
    """The customer has done nothing for so many days of 24 hours; nothing at all, since the first touchpoint."""

    days: int

    def holds(self, profile: Profile, now: Now) -> bool:
        last_ms = profile.last_ms or profile.first_ms
        return bool(last_ms) and now.ms - last_ms >= self.days * DAY_MS

    def changes_ms(self, profile: Profile, now: Now, midnight: Midnight) -> list[int]:
        last_ms = profile.last_ms or profile.first_ms
        return [last_ms + self.days * DAY_MS] if last_ms else []


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The first touchpoint was so many days ago, each of 24 hours."""

    at_least: int | None = None
    at_most: int | None = None

    def holds(self, profile: Profile, now: Now) -> bool:
        ago_ms = now.ms - profile.first_ms
        return (
            profile.first_ms > 0
            and (self.at_least is None or ago_ms >= self.at_least * DAY_MS)
            and (self.at_most is None or ago_ms <= self.at_most * DAY_MS)
        )

    def changes_ms(self, profile: Profile, now: Now, midnight: Midnight) -> list[int]:
        if not profile.first_ms:
            return []
        least = [] if self.at_least is None else [profile.first_ms + self.at_least * DAY_MS]
        most = [] if self.at_most is None else [profile.first_ms + self.at_most * DAY_MS + 1]
        return least + most


@dataclass(frozen=True, slots=True)
class Nps:
    """The last NPS answer is of this group; of two at the same moment the higher one is the last."""

    group: str

    def holds(self, profile: Profile, now: Now) -> bool:
        if not profile.scores:
            return False
        score = profile.scores[-1][1]
        return self.group == ("promoter" if score >= 9 else "passive" if score >= 7 else "detractor")

    def changes_ms(self, profile: Profile, now: Now, midnight: Midnight) -> list[int]:
        return []


Condition = Within | Inactive | FirstSeen | Nps


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona, and what must all be true of those who are one."""

    name: str
    conditions: tuple[Condition, ...] = ()


class Rules:
    """The personas in their order.

    >>> rules = Rules([Persona("buyer", (Within(PURCHASES, 2, at_least=1),)), Persona("guest")])
    >>> profile = Profile()
    >>> rules.learn(profile, Purchased("EUR", 100, referred=False, returned=False), Now(5, 1), 1)
    >>> rules.persona(profile, Now(5, 1)), rules.persona(profile, Now(5 + 2 * DAY_MS, 3))
    ('buyer', 'guest')
    """

    def __init__(self, personas: Iterable[Persona]) -> None:
        self._personas = tuple(personas)
        self._conditions = tuple(dict.fromkeys(chain.from_iterable(each.conditions for each in self._personas)))
        self._days: dict[str, int] = {}
        for condition in self._conditions:
            if isinstance(condition, Within):
                self._days[condition.measure] = max(condition.days, self._days.get(condition.measure, 0))
        self._scores = any(isinstance(condition, Nps) for condition in self._conditions)

    def persona(self, profile: Profile, now: Now) -> str | None:
        """What a customer is now; None where that is nothing."""
        for each in self._personas:
            if all(condition.holds(profile, now) for condition in each.conditions):
                return each.name
        return None

    def changes_ms(self, profile: Profile, now: Now, midnight: Midnight) -> int:
        """When time passing alone may make a customer another one, at the earliest; 0 for never."""
        moments = chain.from_iterable(each.changes_ms(profile, now, midnight) for each in self._conditions)
        return min((moment_ms for moment_ms in moments if moment_ms > now.ms), default=0)

    def see(self, profile: Profile, time_ms: int, day: int | None, now: Now) -> bool:
        """A touchpoint came, of which the customer is the author on that ``day``; None where not.

        True where that alone may make a customer another one.
        """
        is_first = not profile.first_ms or time_ms < profile.first_ms
        if is_first:
            profile.first_ms = time_ms
        if day is None:
            return is_first
        was_ms, profile.last_ms = profile.last_ms, max(profile.last_ms, time_ms)
        if self._days.get(ACTIVE, 0) > now.day - day and day not in profile.sums.get(ACTIVE, ()):
            self._by_day(profile, ACTIVE, now)[day] = 1
            return True
        return is_first or now.ms - was_ms >= DAY_MS  # nobody is inactive before a day is over

    def join(self, profile: Profile, other: Profile, now: Now) -> None:
        """Another id of the same customer was seen too. What its cases count as is learnt as they are counted anew."""
        if other.first_ms:
            profile.first_ms = min(profile.first_ms or other.first_ms, other.first_ms)
        profile.last_ms = max(profile.last_ms, other.last_ms)
        if ACTIVE in self._days:
            self._by_day(profile, ACTIVE, now).update(other.sums.get(ACTIVE, {}))

    def learn(self, profile: Profile, fact: Fact, now: Now, day: int, time_ms: int = 0) -> None:
        """A case of the customer counts as something, or no longer does, at a time on that ``day``."""
        if isinstance(fact, Purchased):
            self._add(profile, REVENUE + fact.currency, fact.sign * fact.amount, now, day)
            self._add(profile, PURCHASES, fact.sign * (not fact.returned), now, day)
        elif isinstance(fact, Refunded):
            self._add(profile, REVENUE + fact.currency, -fact.sign * fact.amount, now, day)
        elif isinstance(fact, Opened):
            self._add(profile, TICKETS, fact.sign, now, day)
        elif isinstance(fact, Answered) and fact.kind == "nps" and self._scores:
            _answer(profile, (time_ms, fact.score), fact.sign)

    def _add(self, profile: Profile, measure: str, amount: int, now: Now, day: int) -> None:
        """What no rule asks for is left out, or is older than any asks for; and so is what that is taken back by."""
        if not amount or measure not in self._days or day <= now.day - self._days[measure]:
            return
        days = self._by_day(profile, measure, now)
        days[day] = days.get(day, 0) + amount
        if not days[day]:
            del days[day]

    def _by_day(self, profile: Profile, measure: str, now: Now) -> dict[int, int]:
        """What something came to on each day that any rule asks for."""
        days, oldest = profile.sums.setdefault(measure, {}), now.day - self._days[measure]
        for day in [day for day in days if day <= oldest]:
            del days[day]
        return days


def _answer(profile: Profile, answer: tuple[int, int], sign: int) -> None:
    scores = profile.scores
    if sign > 0:
        insort(scores, answer)
        del scores[:-_SCORES]
    elif answer in scores:
        scores.remove(answer)
