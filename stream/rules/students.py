"""Quantiles of the normal distribution and of Student's t, two-sided."""

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()


@lru_cache(maxsize=256)
def normal_quantile(confidence: float) -> float:
    """How many standard deviations to either side hold a share ``confidence`` of a normal distribution.

    >>> round(normal_quantile(0.95), 3)
    1.96
    """
    return _NORMAL.inv_cdf((1 + confidence) / 2)


@lru_cache(maxsize=16_384)
def t_quantile(confidence: float, degrees: int) -> float:
    """The same of Student's t with so many degrees of freedom (1 or more), to six digits.

    Hill, Algorithm 396: Student's t-quantiles, Communications of the ACM 13 (10), 1970; exact for 1 and 2.

    >>> round(t_quantile(0.95, 1), 2), round(t_quantile(0.95, 10), 3), round(t_quantile(0.99, 30), 3)
    (12.71, 2.228, 2.75)
    """
    tails = 1 - confidence
    if degrees == 1:
        return 1 / math.tan(tails * math.pi / 2)
    if degrees == 2:
        return math.sqrt(2 / (tails * (2 - tails)) - 2)
    return math.sqrt(degrees * _square(tails, degrees))


def _square(tails: float, n: int) -> float:
    """The square of the quantile, for each degree of freedom."""
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y: float = (d * tails) ** (2 / n)
    if y <= 0.05 + a:
        return ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (
            n + 2
        ) + 1 / y
    x = _NORMAL.inv_cdf(tails / 2)
    y = x * x
    if n < 5:
        c += 0.3 * (n - 4.5) * (x + 0.6)
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return math.expm1(a * y * y)
