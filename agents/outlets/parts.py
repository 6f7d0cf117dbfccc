"""A notice in parts: where one is too large, or may have one alert in it that is not taken, its halves are posted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agents.outlets.post import Outcome
from stream.desk.grouping import Notice

Attempt = Callable[[Notice], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it went: of all parts ``again`` where one is to be tried again, else ``sent`` where one was taken."""

    outcome: Outcome
    dropped: list[tuple[Notice, Outcome]] = field(default_factory=list)
    """The parts that can never be taken."""


async def deliver(notice: Notice, attempt: Attempt) -> Delivery:
    """Post a notice, or its halves, and theirs, in order. What is to be tried again is tried again as a whole."""
    parts, dropped, sent = [notice], list[tuple[Notice, Outcome]](), None
    while parts:
        part = parts.pop()
        outcome = await attempt(part)
        if outcome.kind == "again":
            return Delivery(outcome)
        if outcome.kind == "sent":
            sent = outcome
        elif outcome.may_be_one_of_several and len(part.alerts) > 1:
            middle = len(part.alerts) // 2
            parts += [part.part(part.alerts[middle:]), part.part(part.alerts[:middle])]
        else:
            dropped.append((part, outcome))
    return Delivery(sent or dropped[-1][1], dropped)
