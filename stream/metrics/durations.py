"""Durations, kept as their exact sum and a histogram of logarithms: the mean is exact, quantiles are within 1 %."""

from collections.abc import Iterator

from stream.metrics.base import Reading, Value
from stream.sketch import bucket, quantile

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


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
    found = {f"{name}_mean_seconds": Value(reading.total.get(f"{prefix}.ms", 0) / (1000 * n), n)}
    buckets = {int(index): k for index, k in reading.under(f"{prefix}.b").items()}
    for of, q in QUANTILES.items():
        value = quantile(buckets, q)
        if value is not None:
            found[f"{name}_{of}_seconds"] = Value(value / 1000, n)
    return found


def values(name: str) -> dict[str, str]:
    """What ``read`` may read, with its unit."""
    return dict.fromkeys([f"{name}_{of}_seconds" for of in ("mean", *QUANTILES)], "seconds")
