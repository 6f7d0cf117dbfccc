"""Tickets: how many come and go, and what they take."""

from collections.abc import Iterator

from stream.facts import Fact, LeftBacklog, Opened, Resolved
from stream.metrics.base import Metric, Reading, Value

BACKLOG = "backlog_tickets"
OPENED, CLOSED = "tickets.opened", "tickets.closed"


class Tickets(Metric):
    """How many tickets are opened and resolved, and how often they are reopened, handed on and written to.

    Formulas:
        tickets_opened = tickets opened
        backlog_tickets = tickets opened − tickets resolved whose opening is known, up to the end of the window
        backlog_change = the same in the window alone
        reopened_ratio = tickets resolved that had been reopened / tickets resolved
        reassignments_per_ticket = Σ moves to another team / tickets resolved
        messages_per_ticket = Σ messages of the customer, and of agents in public / tickets resolved
    Counters:
        tickets.opened: tickets opened
        tickets.closed: tickets resolved whose opening is known
        tickets.resolved: tickets resolved
        tickets.reopened: of these, reopened before
        tickets.moves: Σ of their moves to another team
        tickets.messages: Σ of their messages
        tickets.left.AGE: tickets resolved so many local days after that of their opening, in days alone; see
            `cxstream backlog`
    Edge cases:
        An opening counts where it was, a resolution where the last one was: so the backlog also of a day long past is
            what was not resolved for good by its end.
        The backlog is read over whole local days, and from all days that are kept, which are 800. So from the 801st day
            on it lacks as many tickets as were open when the first of these days began; where that makes it less than
            0, it is not shown. It rests on the tickets opened and those resolved.
        A reopened ticket is open again. A ticket merged into another leaves all counts.
        A ticket leaves the backlog on the day of its last resolution; one resolved before it was opened, with that.
    Source:
        Backlog, reopens and reassignments as help desks report them
    Example:
        >>> tickets = Tickets()
        >>> {name: value.value for name, value in tickets.read(Reading(dict(tickets.count(Opened())))).items()}
        {'tickets_opened': 1, 'backlog_change': 1}
        >>> tickets.read(Reading({"tickets.closed": 2}, [{}], stock={"tickets.opened": 9}))["backlog_tickets"]
        Value(value=7, samples=11)
    """

    values = {
        "tickets_opened": "tickets",
        BACKLOG: "tickets",
        "backlog_change": "tickets",
        "reopened_ratio": "ratio",
        "reassignments_per_ticket": "rate",
        "messages_per_ticket": "rate",
    }
    facts = (Opened, Resolved, LeftBacklog)
    stocks = (OPENED, CLOSED)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Opened):
            yield OPENED, fact.sign
        elif isinstance(fact, LeftBacklog):
            yield f"tickets.left.{fact.age_days}", fact.sign
        elif isinstance(fact, Resolved):
            yield "tickets.resolved", fact.sign
            if fact.duration_ms is not None:
                yield CLOSED, fact.sign
            if fact.reopenings:
                yield "tickets.reopened", fact.sign
            if fact.moves:
                yield "tickets.moves", fact.sign * fact.moves
            if fact.messages:
                yield "tickets.messages", fact.sign * fact.messages

    def read(self, reading: Reading) -> dict[str, Value]:
        counter = reading.total.get
        opened, closed, resolved = counter(OPENED, 0), counter(CLOSED, 0), counter("tickets.resolved", 0)
        found: dict[str, Value] = {}
        if opened:
            found["tickets_opened"] = Value(opened, opened)
        if reading.stock is not None:
            backlog = reading.at_start(OPENED, CLOSED) + opened - closed
            samples = opened + closed + sum(reading.stock.get(name, 0) for name in self.stocks)
            if samples and backlog >= 0:
                found[BACKLOG] = Value(backlog, samples)
        if opened + closed:
            found["backlog_change"] = Value(opened - closed, opened + closed)
        if resolved:
            found["reopened_ratio"] = Value(counter("tickets.reopened", 0) / resolved, resolved)
            found["reassignments_per_ticket"] = Value(counter("tickets.moves", 0) / resolved, resolved)
            found["messages_per_ticket"] = Value(counter("tickets.messages", 0) / resolved, resolved)
        return found
