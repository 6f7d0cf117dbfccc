"""Confidence intervals of values, from the counters that they were read from.

| values | interval |
| --- | --- |
| ratios | Wilson's score interval |
| the NPS | adjusted Wald for the three groups of answers |
| means of scores and durations | Student's t |
| quantiles of durations | order statistics: free of any distribution |

Counts, sums of money and rates are no samples of something, or their spread is not counted: they have none.

A counter may be below nothing, where a slice has what was taken back and another one what was counted. No sample has so
many, so these are left out.

Sources: Wilson, J. Am. Stat. Assoc. 22, 1927; Rocks, The American Statistician 70, 2016 (three answers more, a quarter,
a half and a quarter of them in each group); Conover, Practical Nonparametric Statistics, 3.2.
"""

import math
from collections.abc import Callable, Iterable, Mapping

from stream.metrics import UNITS, Reading, Value
from stream.metrics import distribution as answers
from stream.metrics.durations import QUANTILES
from stream.metrics.nps import PASSIVE, PROMOTER
from stream.rules.students import normal_quantile, t_quantile
from stream.sketch import Cumulative, middle
from stream.stages import STAGES

Interval = tuple[float, float]
"""The lower and the upper bound; infinite where so few values say nothing of it."""
_Read = Callable[[Value, Reading, float], Interval | None]

_PSEUDO = 0.75
"""Answers that are added to promoters and to detractors; twice as many to passives."""


def interval(name: str, value: Value, reading: Reading, confidence: float) -> Interval | None:
    """The two-sided interval of a value; None where there are too few values for one.

    Raises:
        KeyError: there is none for values of that name.
    """
    return _READERS[name](value, reading, confidence)


def has_interval(name: str) -> bool:
    """Whether values of that name have a confidence interval."""
    return name in _READERS


def wilson(part: float, n: int, confidence: float) -> Interval:
    """The interval of a share, which was ``part`` of ``n``.

    >>> [round(bound, 3) for bound in wilson(0.9, 10, 0.95)]
    [0.596, 0.982]
    """
    z = normal_quantile(confidence)
    weight = 1 + z * z / n
    centre = part + z * z / (2 * n)
    reach = z * math.sqrt(part * (1 - part) / n + z * z / (4 * n * n))
    return max(0.0, (centre - reach) / weight), min(1.0, (centre + reach) / weight)


def net(promoters: int, passives: int, detractors: int, confidence: float) -> Interval:
    """The interval of a net promoter score, from -100 to 100.

    >>> [round(bound) for bound in net(15, 8, 13, 0.95)]
    [-22, 32]
    """
    n = promoters + passives + detractors + 4 * _PSEUDO
    up, down = (promoters + _PSEUDO) / n, (detractors + _PSEUDO) / n
    reach = normal_quantile(confidence) * math.sqrt((up + down - (up - down) ** 2) / n)
    return max(-100.0, 100 * (up - down - reach)), min(100.0, 100 * (up - down + reach))


def mean(values: Iterable[tuple[float, int]], at: float, confidence: float) -> Interval | None:
    """The interval of the mean ``at`` of values, each of which is there so many times; None for fewer than two.

    A value that is there less than no times is left out.

    >>> [round(bound, 2) for bound in mean([(1.0, 2), (4.0, 2)], 2.5, 0.95) or ()]
    [-0.26, 5.26]
    """
    found = [(value, number) for value, number in values if number > 0]
    n = sum(number for _, number in found)
    if n < 2:
        return None
    squares = sum(number * (value - at) ** 2 for value, number in found)
    reach = t_quantile(confidence, n - 1) * math.sqrt(squares / (n - 1) / n)
    return at - reach, at + reach


def order(buckets: Mapping[int, int], q: float, confidence: float) -> Interval:
    """The interval of a quantile: between the values of the two ranks that it is between so often."""
    n = sum(buckets.values())
    reach = normal_quantile(confidence) * math.sqrt(n * q * (1 - q))
    low, high = math.floor(n * q - reach), math.ceil(n * q + reach) + 1
    return _ranked(buckets, low, n), _ranked(buckets, high, n) if high <= n else math.inf


def _ranked(buckets: Mapping[int, int], rank: int, n: int) -> float:
    """The value of a rank, counted from 1; 0 for one before them all."""
    return 0.0 if rank < 1 else Cumulative(buckets).quantile((rank - 0.5) / n) or 0.0


def _share(value: Value, reading: Reading, confidence: float) -> Interval | None:
    is_share = 0 <= value.value <= 1 and value.samples > 0
    return wilson(value.value, value.samples, confidence) if is_share else None


def _net(value: Value, reading: Reading, confidence: float) -> Interval | None:
    scores = [(scale, number) for scale, number in answers.read(reading, "nps").items() if number > 0]
    promoters = sum(number for (_, _, score), number in scores if score >= PROMOTER)
    detractors = sum(number for (_, _, score), number in scores if score < PASSIVE)
    return net(promoters, sum(number for _, number in scores) - promoters - detractors, detractors, confidence)


def _scores(kind: str, normalized: bool = False) -> _Read:
    def read(value: Value, reading: Reading, confidence: float) -> Interval | None:
        scales = answers.read(reading, kind).items()
        scored = ((float(1 + 9 * answers.position(*scale)) if normalized else scale[2], n) for scale, n in scales)
        return mean(scored, value.value, confidence)

    return read


def _stars(value: Value, reading: Reading, confidence: float) -> Interval | None:
    scored = ((int(stars), n) for stars, n in reading.under("review.").items())
    return mean(scored, value.value, confidence)


def _buckets(reading: Reading, prefix: str) -> dict[int, int]:
    return {int(index): n for index, n in reading.under(f"{prefix}.b").items() if n > 0}


def _mean_seconds(prefix: str) -> _Read:
    def read(value: Value, reading: Reading, confidence: float) -> Interval | None:
        timed = ((middle(index) / 1000, n) for index, n in _buckets(reading, prefix).items())
        return mean(timed, value.value, confidence)

    return read


def _quantile_seconds(prefix: str, q: float) -> _Read:
    def read(value: Value, reading: Reading, confidence: float) -> Interval | None:
        low, high = order(_buckets(reading, prefix), q, confidence)
        return low / 1000, high / 1000

    return read


_DURATIONS = {
    "art": "resolution",
    "business": "resolution_business",
    "reply": "first_reply",
    "wait": "wait",
}
"""What durations are called, by the name of their counters."""


_READERS: dict[str, _Read] = {
    **{name: _share for name, unit in UNITS.items() if unit == "ratio"},
    "multichannel_rate": _share,
    "nps_score": _net,
    "ces_score": _scores("ces"),
    "csat_score": _scores("csat"),
    "csat_normalized_score": _scores("csat", normalized=True),
    "review_score": _stars,
    **{f"{name}_mean_seconds": _mean_seconds(prefix) for prefix, name in _DURATIONS.items()},
    **{
        f"{name}_{of}_seconds": _quantile_seconds(prefix, q)
        for prefix, name in _DURATIONS.items()
        for of, q in QUANTILES.items()
    },
    **{f"stage_{name}_p50_seconds": _quantile_seconds(f"stayed.{name}", 0.5) for name in STAGES},
}
