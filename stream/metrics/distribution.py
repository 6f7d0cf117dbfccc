"""The distribution of survey scores, kept per scale, from which every survey metric is read exactly."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from stream.facts import Answered
from stream.metrics.base import Reading

Distribution = dict[tuple[int, int, int], int]
"""(low, high, score) → number of answers."""


def count(answer: Answered) -> Iterator[tuple[str, int]]:
    """One answer, as a counter of its own kind, scale and score.

    >>> list(count(Answered("csat", 4, 1, 5)))
    [('csat:1:5:4', 1)]
    """
    yield f"{answer.kind}:{answer.low}:{answer.high}:{answer.score}", answer.sign


def read(reading: Reading, kind: str) -> Distribution:
    """All answers of one kind."""
    found: Distribution = {}
    for name, number in reading.under(f"{kind}:").items():
        low, high, score = name.split(":")
        found[int(low), int(high), int(score)] = number
    return found


def by_scale(answers: Distribution) -> dict[str, dict[str, int]]:
    """Number of answers by score, for each scale, in order.

    >>> by_scale({(1, 7, 6): 2, (1, 7, 3): 1})
    {'1-7': {'3': 1, '6': 2}}
    """
    found: dict[str, dict[str, int]] = {}
    for (low, high, score), number in sorted(answers.items()):
        found.setdefault(f"{low}-{high}", {})[str(score)] = number
    return found


@cache
def position(low: int, high: int, score: int) -> Fraction:
    """Where a score stands on its scale, from 0 to 1, exactly."""
    return Fraction(score - low, high - low)
