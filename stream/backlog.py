"""The backlog: tickets that are open at the end of a day, and for how many days they have been.

Days count the tickets opened on them (``tickets.opened``), and those that left the backlog on them, by how many days
before they were opened (``tickets.left.AGE``). Both come to the tickets of each day that are still open:

    day opened      mon   tue   wed
    opened           5     3     4
    left on tue     -2           ·      tickets.left.1 = 2 on tuesday
    left on wed     -1    -3     ·      tickets.left.2 = 1, tickets.left.1 = 3 on wednesday
                    ───   ───   ───
    open on wed      2     0     4      ages 2, 1 and 0
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from stream.counters import with_prefix

EDGES = (0, 1, 2, 4, 8, 15, 31, 91)
"""Ages in days at which the parts of a histogram begin."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Open tickets by age, in days.

    ``untold`` tickets were resolved under an earlier release, which did not count their ages: they are taken for open.
    """

    ages: Mapping[int, int]
    untold: int = 0

    @property
    def tickets(self) -> int:
        """How many are open."""
        return sum(self.ages.values())

    def quantile(self, q: Fraction) -> int | None:
        """The smallest age that at least the share ``q`` of the open tickets do not exceed; None where none is open.

        >>> Backlog({0: 5, 7: 4, 30: 1}).quantile(Fraction(9, 10))
        7
        """
        rank = max(1, ceil(q * self.tickets))
        seen = 0
        for age, number in sorted(self.ages.items()):
            seen += number
            if seen >= rank:
                return age
        return None

    def histogram(self) -> list[tuple[int, int | None, int]]:
        """Tickets from one age to another, both included; the last part has no end.

        >>> Backlog({0: 5, 3: 1, 100: 2}).histogram()[2:]
        [(2, 3, 1), (4, 7, 0), (8, 14, 0), (15, 30, 0), (31, 90, 0), (91, None, 2)]
        """
        ends = [edge - 1 for edge in EDGES[1:]]
        return [
            (first, last, sum(n for age, n in self.ages.items() if first <= age and (last is None or age <= last)))
            for first, last in zip(EDGES, [*ends, None], strict=True)
        ]


def backlog(counted: Mapping[int, Mapping[str, int]], day: int) -> Backlog:
    """The backlog at the end of a day; ``counted`` are the counters of each day that is kept, by its number.

    >>> days = {1: {"tickets.opened": 3}, 2: {"tickets.opened": 1, "tickets.left.1": 2, "tickets.closed": 2}}
    >>> backlog(days, 1).ages, backlog(days, 2).ages
    ({0: 3}, {0: 1, 1: 1})
    """
    still_open: Counter[int] = Counter()
    closed = left = 0
    for on, counters in counted.items():
        gone = with_prefix(counters, "tickets.left.")
        closed += counters.get("tickets.closed", 0)
        left += sum(gone.values())
        if on <= day:
            still_open[on] += counters.get("tickets.opened", 0)
            for age, number in gone.items():
                still_open[on - int(age)] -= number
    ages = {day - opened: number for opened, number in sorted(still_open.items(), reverse=True) if number > 0}
    return Backlog(ages, max(0, closed - left))
