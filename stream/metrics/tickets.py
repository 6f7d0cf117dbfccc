"""Tickets: how many come and go, and what they take."""

from collections.abc import Iterator

from stream.facts import Fact, Left, Opened, Resolved
from stream.metrics.base import Metric, Reading, Value


class Tickets(Metric):
    """How many tickets are opened and resolved, and how often they are reopened, handed on and written to.

    Formulas:
        tickets_opened = tickets opened
        backlog_change = tickets opened − tickets resolved whose opening is known
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
        An opening counts where it was, a resolution where the last one was: the backlog at a moment is the change over
            all time before it.
        A reopened ticket is open again. A ticket merged into another leaves all counts.
        A ticket leaves the backlog on the day of its last resolution; one resolved before it was opened, with that.
    Source:
        Backlog, reopens and reassignments as help desks report them
    Example:
        >>> tickets = Tickets()
        >>> {name: value.value for name, value in tickets.read(Reading(dict(tickets.count(Opened())))).items()}
        {'tickets_opened': 1, 'backlog_change': 1}
    """

    values = {
        "tickets_opened": "tickets",
        "backlog_change": "tickets",
        "reopened_ratio": "ratio",
        "reassignments_per_ticket": "rate",
        "messages_per_ticket": "rate",
    }
    facts = (Opened, Resolved, Left)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Opened):
            yield "tickets.opened", fact.sign
        elif isinstance(fact, Left):
            yield f"tickets.left.{fact.age_days}", fact.sign
        elif isinstance(fact, Resolved):
            yield "tickets.resolved", fact.sign
            if fact.duration_ms is not None:
                yield "tickets.closed", fact.sign
            if fact.reopenings:
                yield "tickets.reopened", fact.sign
            if fact.moves:
                yield "tickets.moves", fact.sign * fact.moves
            if fact.messages:
                yield "tickets.messages", fact.sign * fact.messages

    def read(self, reading: Reading) -> dict[str, Value]:
        counter = reading.total.get
        opened, closed, resolved = (counter(f"tickets.{what}", 0) for what in ("opened", "closed", "resolved"))
        found: dict[str, Value] = {}
        if opened:
            found["tickets_opened"] = Value(opened, opened)
        if opened + closed:
            found["backlog_change"] = Value(opened - closed, opened + closed)
        if resolved:
            found["reopened_ratio"] = Value(counter("tickets.reopened", 0) / resolved, resolved)
            found["reassignments_per_ticket"] = Value(counter("tickets.moves", 0) / resolved, resolved)
            found["messages_per_ticket"] = Value(counter("tickets.messages", 0) / resolved, resolved)
        return found
