"""Who was active on which day: counted once for each customer, day and segment."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from stream import activity, cohorts
from stream.activity import Activity
from stream.arrivals import Arrival
from stream.config import Config
from stream.customer import Customer
from stream.facts import Cohort
from stream.personas import NOBODY, Profile, Standing
from stream.segments import Segments
from stream.slices import DAY_MS
from stream.tally import Coder, Tally


class Presence:
    """Counts the active days of the customers of one partition."""

    def __init__(self, config: Config, tally: Tally, segments: Segments) -> None:
        self._calendar = config.calendar
        self._kept_ms = config.retention_ms[DAY_MS]
        self._kept_days = self._kept_ms // DAY_MS + 1
        self._tally = tally
        self._segments = segments
        self._first = tally.coder(activity.FIRST)
        self._day, self._start_ms, self._end_ms = 0, 0, 0
        self._entered: list[tuple[int, Coder]] = []
        self._has_personas = bool(config.personal)

    def take(self, customer: Customer, arrival: Arrival, time_ms: int, watermark_ms: int) -> bool:
        """The customer did something: count the day, once for each segment. True where the day is new, in the first."""
        if not self._start_ms <= time_ms < self._end_ms:
            self._begin(time_ms)
        if customer.day != self._day:
            customer.day, customer.today = self._day, {}
        first_ms = customer.today.get(arrival.place)
        if first_ms is None or time_ms < first_ms:
            customer.today[arrival.place] = time_ms
            return self._count(customer, arrival, time_ms, watermark_ms)
        return False

    def _begin(self, time_ms: int) -> None:
        """Look at the day of this moment."""
        self._start_ms = self._calendar.day_start_ms(time_ms)
        self._end_ms = self._calendar.day_end_ms(self._start_ms)
        self._day = self._calendar.day_number(self._start_ms)
        self._entered = [self._entry(*entry) for entry in cohorts.entered(self._day)]

    def _entry(self, first_day: int, fact: Cohort) -> tuple[int, Coder]:
        """When a week or month begins, and the codes of what counts there."""
        return self._calendar.day_number_start_ms(first_day), self._tally.coder(fact)

    def _count(self, customer: Customer, arrival: Arrival, time_ms: int, watermark_ms: int) -> bool:
        if customer.profile is not None and not self._has_personas:
            self._leave(customer, customer.profile, watermark_ms)
        day, days, keys = self._day, customer.activity, self._segments.keys
        first = days.get(keys[arrival.days[0][0]]) if arrival.days else None
        is_new = first is None or not activity.knows(first, day)
        new: list[int] = []
        for number, places in arrival.days:
            known = days.get(keys[number])
            if known is None:
                days[keys[number]] = activity.started(day, time_ms)
                new += places
            else:
                self._count_in(places, known, day, time_ms, watermark_ms)
        if new:
            self._tally.add([self._first[number] for number in new], time_ms, watermark_ms)
            for start_ms, coder in self._entered:
                self._tally.add_day([coder[number] for number in new], start_ms, watermark_ms)
        return is_new

    def _count_in(self, places: Sequence[int], known: Activity, day: int, time_ms: int, watermark_ms: int) -> None:
        """Count a moment of a day in these segments, where the customer was active before."""
        if day - known.first_day > self._kept_days:
            activity.forget(known, self._calendar.day_number(watermark_ms - self._kept_ms))
        for entry in cohorts.entries(known, day):
            self._count_entry(places, entry, watermark_ms)
        for at_ms, fact in activity.seen(known, day, time_ms, self._calendar.day_number_start_ms):
            self._tally.count_in(places, fact, at_ms, watermark_ms)

    def _count_entry(self, places: Sequence[int], entry: cohorts.Entry, watermark_ms: int) -> None:
        start_ms, coder = self._entry(*entry)
        self._tally.add_day([coder[place] for place in places], start_ms, watermark_ms)

    def move(self, customer: Customer, old: Standing, new: Standing, watermark_ms: int) -> None:
        """The customer has another persona: all days that are kept are taken back from the old one's segments, and
        count in the new one's."""
        for key, known in customer.activity.items():
            was, now = (self._segments.by_persona(key, standing) for standing in (old, new))
            self._stand(known, [place for place in was if place not in now], -1, watermark_ms)
            self._stand(known, [place for place in now if place not in was], 1, watermark_ms)

    def _leave(self, customer: Customer, profile: Profile, watermark_ms: int) -> None:
        """There are no personas any more: were there to be some again, days would be missing where these counted."""
        self.move(customer, profile.standing, NOBODY, watermark_ms)
        customer.unprofiled()

    def _stand(self, known: Activity, places: Sequence[int], sign: int, watermark_ms: int) -> None:
        """Count all days of an activity in these segments, or take them back."""
        if not places:
            return
        for at_ms, fact in activity.standing(known, self._calendar.day_number_start_ms):
            self._tally.count_in(places, replace(fact, sign=sign), at_ms, watermark_ms)
        for first_day, cohort in cohorts.standing(known):
            self._count_entry(places, (first_day, replace(cohort, sign=sign)), watermark_ms)

    def withdraw(self, customer: Customer, watermark_ms: int) -> None:
        """Count the customer's days no more."""
        for key, known in customer.activity.items():
            _, places = self._segments.kept(key, _standing(customer))
            self._stand(known, places, -1, watermark_ms)

    def absorb(self, customer: Customer, others: Mapping[str, Activity], watermark_ms: int) -> None:
        """Count the days of another id of the same customer, by segment, as this one's."""
        for key, other in others.items():
            number, places = self._segments.kept(key, _standing(customer))
            for day, time_ms in self._moments(other):
                known = customer.activity.get(self._segments.keys[number])
                if known is not None:
                    self._count_in(places, known, day, time_ms, watermark_ms)
                    continue
                started = customer.activity[self._segments.keys[number]] = activity.started(day, time_ms)
                self._stand(started, places, 1, watermark_ms)

    def _moments(self, known: Activity) -> Iterator[tuple[int, int]]:
        """The days, and a moment of each: of the last one the first, of the others any."""
        *earlier, latest = activity.days(known)
        if known.began and known.began < known.first_day:
            earlier.insert(0, known.began)
        for day in earlier:
            yield day, self._calendar.day_number_start_ms(day)
        yield latest, known.last_ms


def _standing(customer: Customer) -> Standing:
    return NOBODY if customer.profile is None else customer.profile.standing
