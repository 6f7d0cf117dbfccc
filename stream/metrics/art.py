"""Average resolution time."""

from collections.abc import Iterator

from stream.counters import with_prefix
from stream.facts import Fact, Resolved
from stream.metrics.base import Metric, Reading, Value
from stream.sketch import bucket, quantile

QUANTILES = {"resolution_p50_seconds": 0.5, "resolution_p90_seconds": 0.9, "resolution_p99_seconds": 0.99}


class Art(Metric):
    """How long tickets took from their opening to their last resolution.

    resolution_mean_seconds = Σ (last resolution − opening) / tickets resolved whose opening is known; exact
    resolution_p50_seconds, resolution_p90_seconds, resolution_p99_seconds: quantiles within 1 %
    negative_durations: tickets resolved before they were opened; not averaged, a sign of wrong data

    >>> art = Art()
    >>> reading = Reading(dict(art.count(Resolved((), 840_000))))
    >>> art.read(reading)["resolution_mean_seconds"], round(art.read(reading)["resolution_p50_seconds"].value)
    (Value(value=840.0, samples=1), 848)
    """

    values = {
        "resolution_mean_seconds": "seconds",
        **dict.fromkeys(QUANTILES, "seconds"),
        "negative_durations": "tickets",
    }
    facts = (Resolved,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if not isinstance(fact, Resolved) or fact.duration_ms is None:
            return
        if fact.duration_ms < 0:
            yield "art.negative", fact.sign
            return
        yield "art.n", fact.sign
        yield "art.ms", fact.sign * fact.duration_ms
        yield f"art.b{bucket(fact.duration_ms)}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        negative = reading.total.get("art.negative", 0)
        if negative:
            found["negative_durations"] = Value(negative, negative)
        n = reading.total.get("art.n", 0)
        if not n:
            return found
        found["resolution_mean_seconds"] = Value(reading.total.get("art.ms", 0) / (1000 * n), n)
        buckets = {int(index): k for index, k in with_prefix(reading.total, "art.b").items()}
        for name, q in QUANTILES.items():
            value = quantile(buckets, q)
            if value is not None:
                found[name] = Value(value / 1000, n)
        return found
