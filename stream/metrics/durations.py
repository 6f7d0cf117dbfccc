"""Durations, kept as their exact sum and a histogram of logarithms: the mean is exact, quantiles are within 1 %."""

from collections.abc import Iterator

from stream.metrics.base import Reading, Value
from stream.sketch import Cumulative, border, bucket
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_SECONDS = (1, 5, 15, 30)
_MINUTES = (1, 2, 5, 15, 30)
_HOURS = (1, 2, 4, 8)
_DAYS = (1, 3, 7, 30)
_ROUND_MS = (
    *(n * SECOND_MS for n in _SECONDS),
    *(n * MINUTE_MS for n in _MINUTES),
    *(n * HOUR_MS for n in _HOURS),
    *(n * DAY_MS for n in _DAYS),
)
_BUCKETS = tuple(min((bucket(ms) - 1, bucket(ms)), key=lambda of: abs(border(of) - ms)) for ms in _ROUND_MS)
BOUNDS_MS = tuple(map(border, _BUCKETS))
"""Durations of which it is known exactly how many do not exceed them: within 1 % of 1 s, 5 s, … 30 days."""


def count(prefix: str, duration_ms: int, sign: int) -> Iterator[tuple[str, int]]:
    """One duration, not negative.

    >>> list(count("art", 1_000, 1))
    [('art.n', 1), ('art.ms', 1000), ('art.b347', 1)]
    """
    yield f"{prefix}.n", sign
    yield f"{prefix}.ms", sign * duration_ms
    yield f"{prefix}.b{bucket(duration_ms)}", sign


def read(reading: Reading, prefix: str, name: str) -> dict[str, Value]:
    """Mean and quantiles in seconds, as ``name_mean_seconds`` and so on; nothing where there are none."""
    n = reading.total.get(f"{prefix}.n", 0)
    if not n:
        return {}
    found_in = Cumulative({int(index): k for index, k in reading.under(f"{prefix}.b").items()})
    mean = reading.total.get(f"{prefix}.ms", 0) / (1000 * n)
    found = {f"{name}_mean_seconds": Value(mean, n, at_most=tuple(map(found_in.at_most, _BUCKETS)))}
    for of, q in QUANTILES.items():
        value = found_in.quantile(q)
        if value is not None:
            found[f"{name}_{of}_seconds"] = Value(value / 1000, n)
    return found


def values(name: str) -> dict[str, str]:
    """What ``read`` may read, with its unit."""
    return dict.fromkeys([f"{name}_{of}_seconds" for of in ("mean", *QUANTILES)], "seconds")
