"""What a metric is: which counters a fact moves, and how to read them. Stateless, over plain integers."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from stream.facts import Fact

_LAST = "\U0010ffff"
"""Of all characters the last one in order: no name of a counter has it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number and what it rests on: answers, tickets, customers.

    ``distribution`` has, where there is one, the number of answers by score for each scale that was used (``1-7``), or
    by reason for each group of answers (``nps detractor``). ``at_most`` has, for a mean of durations, how many of them
    did not exceed each of ``durations.BOUNDS_MS``; it is not told on topics.
    """

    value: float
    samples: int
    distribution: dict[str, dict[str, int]] | None = field(default=None, repr=False)
    at_most: tuple[int, ...] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a window: their ``total`` and, where it consists of whole local days, those of each day.

    ``before`` are those of each day of the period before it; None where they are not known, or there is none.
    ``stock`` are the counters that some metric names in its ``stocks``, over all days before it that are kept; None
    where it does not begin with a day.
    """

    total: Mapping[str, int]
    days: Sequence[Mapping[str, int]] | None = None
    before: Sequence[Mapping[str, int]] | None = None
    stock: Mapping[str, int] | None = None
    _names: list[str] = field(init=False, repr=False, compare=False, default_factory=list)

    def under(self, prefix: str) -> dict[str, int]:
        """The counters of the total whose name begins with ``prefix``, without it.

        >>> Reading({"stage.a.b": 2, "resolved": 1}).under("stage.")
        {'a.b': 2}
        """
        names = self._names  # in order, so that those are next to each other
        if not names:
            names += sorted(self.total)
        found = names[bisect_left(names, prefix) : bisect_left(names, prefix + _LAST)]
        width, total = len(prefix), self.total
        return {name[width:]: total[name] for name in found}

    def at_start(self, came: str, went: str) -> int:
        """How many were there when it began, of what is counted by one counter as it comes and by another as it goes.

        It is less than 0 where more has gone than came in the days that are kept.
        """
        stock = self.stock or {}
        return stock.get(came, 0) - stock.get(went, 0)


class Metric(ABC):
    """One metric. ``values`` names what it reads, with units (``ratio``, ``score``, ``seconds``, ``customers``).

    ``stocks`` are counters of which it reads all there was before a window too. They are to be few: windows keep the
    sum of each, for every segment.

    Laws, checked for every registered metric: counting is additive, so that any split, order and batching of facts
    gives equal counters; a fact and its retraction cancel; reading nothing gives nothing.
    """

    values: ClassVar[Mapping[str, str]]
    facts: ClassVar[tuple[type, ...]]
    stocks: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        """The counters that ``fact`` (one of ``facts``) moves, and by how much."""

    @abstractmethod
    def read(self, reading: Reading) -> dict[str, Value]:
        """The values that these counters give; one without data is absent, never 0."""
