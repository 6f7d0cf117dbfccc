"""A mergeable histogram of durations with a bounded relative error: the buckets of DDSketch.

Masson, Rim, Lee: DDSketch, VLDB 2019. A bucket holds the values in (g^(i-1), g^i]; every quantile read from it is
within 1 % of a value that was counted. Counts are integers, so merging in any order gives the same bits.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

RELATIVE_ERROR = 0.01
_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = math.log(_GAMMA)


def bucket(value: int) -> int:
    """The bucket of a value >= 0; 0 is for the value 0, which has no logarithm.

    >>> bucket(0), bucket(1), bucket(1000)
    (0, 1, 347)
    """
    return 0 if value == 0 else math.ceil(math.log(value) / _LOG_GAMMA) + 1


def middle(index: int) -> float:
    """The value that stands for a bucket, within the relative error of all in it."""
    return 0.0 if index == 0 else float(2 * _GAMMA ** (index - 1) / (_GAMMA + 1))


class Cumulative:
    """The counts of buckets, added up in the order of their values."""

    __slots__ = ("_counts", "_indexes")

    def __init__(self, buckets: Mapping[int, int]) -> None:
        self._indexes = sorted(buckets)
        self._counts = list(accumulate(map(buckets.__getitem__, self._indexes)))

    def quantile(self, q: float) -> float | None:
        """The smallest value that at least the share ``q`` of all values do not exceed; None where there are none.

        >>> round(Cumulative({bucket(10): 1, bucket(1000): 9}).quantile(0.5))
        1002
        """
        total = self._counts[-1] if self._counts else 0
        if total <= 0:
            return None
        rank = max(1, math.ceil(q * total))
        # What was taken back may be less than nothing in a bucket, so that counts need not grow.
        return middle(next(index for index, seen in zip(self._indexes, self._counts, strict=True) if seen >= rank))

    def at_most(self, index: int) -> int:
        """How many values are in a bucket or in one below.

        >>> Cumulative({bucket(10): 1, bucket(1000): 9}).at_most(bucket(500))
        1
        """
        at = bisect_right(self._indexes, index)
        return self._counts[at - 1] if at else 0


def border(index: int) -> int:
    """The largest whole value in a bucket: how many values do not exceed it is known exactly.

    >>> border(347), bucket(border(347)), bucket(border(347) + 1)
    (1012, 347, 348)
    """
    value = math.floor(_GAMMA ** (index - 1))
    while bucket(value) > index:
        value -= 1
    while bucket(value + 1) == index:
        value += 1
    return value
