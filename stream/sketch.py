"""A mergeable histogram of durations with a bounded relative error: the buckets of DDSketch.

Masson, Rim, Lee: DDSketch, VLDB 2019. A bucket holds the values in (g^(i-1), g^i]; every quantile read from it is
within 1 % of a value that was counted. Counts are integers, so merging in any order gives the same bits.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
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


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """The smallest value that at least the share ``q`` of all values do not exceed; None where there are none.

    >>> round(quantile({bucket(10): 1, bucket(1000): 9}, 0.5))
    1002
    """
    total = sum(buckets.values())
    if total <= 0:
        return None
    rank = max(1, math.ceil(q * total))
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= rank:
            return middle(index)
    raise AssertionError("unreachable: the buckets add up to the total")


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


def at_most(buckets: Mapping[int, int], indexes: Sequence[int]) -> tuple[int, ...]:
    """For each of these buckets, in ascending order, how many values are in it or in one below.

    >>> at_most({bucket(10): 1, bucket(1000): 9}, [bucket(10), bucket(500)])
    (1, 1)
    """
    counts = [0] * (len(indexes) + 1)
    for index, count in buckets.items():
        counts[bisect_left(indexes, index)] += count
    return tuple(accumulate(counts[:-1]))
