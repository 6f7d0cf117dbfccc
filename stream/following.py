"""All that follows what touchpoints come to: activity, journeys, friction, cases, and what customers are by these."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from schemas.touchpoint import Touchpoint
from stream.admission import Admitted
from stream.arrivals import Arrivals
from stream.casebook import CaseBook
from stream.cases import KINDS, AnswerKind, TicketKind
from stream.config import Config
from stream.customer import Customer
from stream.frictions import KIND as FRICTION
from stream.frictions import Frictions
from stream.hearing import Hearing
from stream.journeys import Journeys
from stream.keeping import CUSTOMER, Keeping, Scan
from stream.membership import KIND as STANDING
from stream.membership import Membership
from stream.presence import Presence
from stream.segments import Segments, Values, reader
from stream.state import State
from stream.tally import Counting, Tally
from stream.timers import Passing, Timers
from stream.vocabulary import Vocabulary


def kinds(config: Config) -> Iterable[bytes]:
    """The kinds of timers that a deployment has."""
    yield from (CUSTOMER, FRICTION)
    yield from (kind.prefix for kind in KINDS if kind.timed)
    if config.personal:
        yield STANDING


class Following:
    """What follows the touchpoints of one partition. ``timers`` are by the kind of what they are for."""

    def __init__(
        self,
        config: Config,
        state: State,
        keeping: Keeping,
        scan: Scan,
        passing: Passing,
        segments: Segments,
        reasons: Vocabulary,
    ) -> None:
        self._values: Callable[[Touchpoint], Values] = reader(config.read)
        self.tally = Tally(config, segments)
        self.timers = {kind: Timers(scan, kind, passing) for kind in kinds(config)}
        self.arrivals = Arrivals(self.tally, segments)
        self.presence = Presence(config, self.tally, segments)
        self.journeys = Journeys(config, state, self.tally, self.timers[CUSTOMER])
        self.frictions = Frictions(config, state, self.timers[FRICTION])
        self.membership: Membership | None = None
        counting: Counting = self.tally
        if config.personal:
            self.membership = Membership(config, state, self.presence, self.journeys, self.tally, self.timers[STANDING])
            counting = self.membership.ear
        by_kind = {kind: kind(config) for kind in KINDS} | {AnswerKind: AnswerKind(config, reasons)}
        hearers: dict[type, CaseBook] = {}
        books = {
            kind: CaseBook(each, config, state, keeping, counting, self.timers.get(kind.prefix), hearers)
            for kind, each in by_kind.items()
        }
        self._timed: list[Journeys | Frictions | CaseBook | Membership] = [
            self.journeys,
            self.frictions,
            *(book for kind, book in books.items() if kind.prefix in self.timers),
            *([] if self.membership is None else [self.membership]),
        ]
        self.books = {kind.prefix: book for kind, book in books.items() if kind.events}
        self._tickets = books.pop(TicketKind)
        self._takers: defaultdict[type, list[CaseBook | Hearing]] = defaultdict(list)
        for kind, book in books.items():
            hearers |= dict.fromkeys(kind.facts, book)
            for event in kind.events:
                self._takers[event].append(book)
        hearing = Hearing(self.tally)
        for event in hearing.events:
            self._takers[event].append(hearing)

    def take(self, admitted: Admitted) -> None:
        """What these come to; one step for all of them after the other; by what customers are, each by itself."""
        events, customers, watermarks_ms = admitted.events, admitted.customers, admitted.watermarks_ms
        if self.membership is None:
            self._take(events, customers, list(map(self._values, events)), watermarks_ms)
            return
        # What one comes to may make the customer another one before the next.
        for event, customer, watermark_ms in zip(events, customers, watermarks_ms, strict=True):
            self.run_out(watermark_ms)
            values = self.membership.meet(customer, event, self._values(event), watermark_ms)
            self._take([event], [customer], [values], [watermark_ms])
            self.membership.follow(customer, event, watermark_ms)

    def _take(
        self,
        events: Sequence[Touchpoint],
        customers: Sequence[Customer],
        values: Sequence[Values],
        watermarks_ms: Sequence[int],
    ) -> None:
        takers = self._takers
        arrivals = self.arrivals.take(events, values, watermarks_ms)
        present = []
        for event, customer, arrival, watermark_ms in zip(events, customers, arrivals, watermarks_ms, strict=True):
            present.append(event.by_customer and self.presence.take(customer, arrival, event.time_ms, watermark_ms))
            self.journeys.take(customer, event, arrival.values, watermark_ms)
        for event, value, is_new_day, watermark_ms in zip(events, values, present, watermarks_ms, strict=True):
            if is_new_day or type(event) in self.frictions.events:
                self.frictions.take(event, value, watermark_ms, is_new_day)
            if event.ticket is not None:
                self._tickets.take(event, value, watermark_ms)
            for taker in takers.get(type(event), ()):
                taker.take(event, value, watermark_ms)

    def end(self, customer: Customer, name: str, watermark_ms: int) -> None:
        """The customer of that name is about to be forgotten."""
        self.journeys.end(customer, name, watermark_ms)
        if self.membership is not None:
            self.membership.end(customer, watermark_ms)

    def run_out(self, watermark_ms: int) -> None:
        """Look at whatever the time has come for."""
        for timed in self._timed:
            timed.run_out(watermark_ms)

    def next_due_ms(self) -> int:
        """When there is something to be looked at next."""
        return min(timers.next_due_ms() for timers in self.timers.values())

    def waiting(self, watermark_ms: int) -> set[bytes]:
        """The first bytes of the keys for which a timer was due by then, and could not be looked at yet."""
        found = {kind for kind, timers in self.timers.items() if timers.next_ms <= watermark_ms}
        return found | {CUSTOMER} if STANDING in found else found

    def settle(self) -> None:
        """What came of the last batch is durable."""
        for timers in self.timers.values():
            timers.settle()

    def rollback(self) -> None:
        """What came of the last batch is not to be."""
        self.clear()
        if self.membership is not None:
            self.membership.clear()
        for timers in self.timers.values():
            timers.rollback()

    def clear(self) -> None:
        """Begin the next batch."""
        self.tally.clear()
        self.arrivals.clear()
        self.journeys.clear()
        self.frictions.clear()
