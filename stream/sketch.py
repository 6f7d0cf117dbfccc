"""A mergeable histogram of durations with a bounded relative error: the buckets of DDSketch.

Masson, Rim, Lee: DDSketch, VLDB 2019. A bucket holds the values in (g^(i-1), g^i]; every quantile read from it is
within 1 % of a value that was counted. Counts are integers, so merging in any order gives the same bits.
"""

import math
from collections.abc import Mapping

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
