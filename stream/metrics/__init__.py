"""Every metric there is. A new one is a file in this folder and a line here."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from stream.facts import Fact
from stream.metrics.accounts import STANDING, Accounts
from stream.metrics.active import ActiveCustomers
from stream.metrics.advocacy import Advocacy
from stream.metrics.art import Art
from stream.metrics.base import Metric, Reading, Value
from stream.metrics.business import Business
from stream.metrics.carts import Carts
from stream.metrics.ces import Ces
from stream.metrics.csat import Csat
from stream.metrics.email import Email
from stream.metrics.fcr import Fcr
from stream.metrics.goals import Goals
from stream.metrics.handoffs import Handoffs
from stream.metrics.lifecycle import Lifecycle
from stream.metrics.nps import Nps
from stream.metrics.purchases import Purchases
from stream.metrics.reach import Reach
from stream.metrics.reasons import Reasons
from stream.metrics.reply import Reply
from stream.metrics.response import Response
from stream.metrics.revenue import Revenue
from stream.metrics.stages import DURATIONS, Stages
from stream.metrics.stickiness import Stickiness
from stream.metrics.targets import Targets
from stream.metrics.tickets import BACKLOG, Tickets
from stream.metrics.trials import Trials
from stream.metrics.waiting import Waiting

METRICS: tuple[Metric, ...] = (
    Ces(),
    Csat(),
    Nps(),
    Reasons(),
    Response(),
    Fcr(),
    Art(),
    Business(),
    Reply(),
    Waiting(),
    Targets(),
    Tickets(),
    ActiveCustomers(),
    Stickiness(),
    Lifecycle(),
    Stages(),
    Handoffs(),
    Purchases(),
    Revenue(),
    Carts(),
    Trials(),
    Accounts(),
    Email(),
    Goals(),
    Advocacy(),
    Reach(),
)
UNITS: dict[str, str] = {name: unit for metric in METRICS for name, unit in metric.values.items()}
"""What each value is measured in, by its name."""
STOCKS: tuple[str, ...] = tuple(dict.fromkeys(name for metric in METRICS for name in metric.stocks))
"""Counters of which windows keep the sum of all days before them too."""
DAYS_NEEDED: Mapping[str, int] = {
    **dict.fromkeys([*ActiveCustomers.values, *Lifecycle.values, *DURATIONS, BACKLOG, *STANDING], 1),
    **dict.fromkeys(Stickiness.values, 2),
}
"""Values that can only be read over whole local days, and over how many of them at least."""


_BY_FACT: dict[type, list[Metric]] = {}
for _metric in METRICS:
    for _kind in _metric.facts:
        _BY_FACT.setdefault(_kind, []).append(_metric)


@lru_cache(maxsize=65_536)
def counted(fact: Fact) -> tuple[tuple[str, int], ...]:
    """The counters that a fact moves, over all metrics. Facts repeat, so the answer is kept."""
    return tuple(_count(fact))


def _count(fact: Fact) -> Iterator[tuple[str, int]]:
    for metric in _BY_FACT.get(type(fact), ()):
        yield from metric.count(fact)


def read(reading: Reading) -> dict[str, Value]:
    """Every value that has data, in the order of the registry."""
    found: dict[str, Value] = {}
    for metric in METRICS:
        found.update(metric.read(reading))
    return found


_BY_VALUE = {name: metric for metric in METRICS for name in metric.values}


def metric_of(name: str) -> Metric:
    """The metric that a value of that name is read by. Raises KeyError where there is none."""
    return _BY_VALUE[name]


__all__ = [
    "DAYS_NEEDED",
    "METRICS",
    "STOCKS",
    "UNITS",
    "Metric",
    "Reading",
    "Value",
    "counted",
    "metric_of",
    "read",
    "read_one",
]
