"""Average resolution time."""

from collections.abc import Iterator

from stream.facts import Fact, Resolved
from stream.metrics import durations
from stream.metrics.base import Metric, Reading, Value


class Art(Metric):
    """How long tickets took from their opening to their last resolution.

    Formulas:
        resolution_mean_seconds = Σ (last resolution − opening) / tickets resolved whose opening is known; exact
        resolution_p50_seconds = the time that half of them did not exceed, within 1 %
        resolution_p90_seconds = the time that nine tenths of them did not exceed, within 1 %
        resolution_p99_seconds = the time that 99 % of them did not exceed, within 1 %
        negative_durations = tickets resolved before they were opened: not averaged, a sign of wrong data
    Counters:
        art.n: tickets resolved whose opening is known
        art.ms: Σ of their times, in milliseconds
        art.bINDEX: of these, with a time in this bucket of a histogram of logarithms
        art.negative: tickets resolved before they were opened
    Edge cases:
        A reopened ticket is not resolved: its time is taken back where it was counted, until the next resolution.
        A ticket whose opening never came counts as resolved, and has no time.
    Source:
        Percentiles from the buckets of DDSketch: Masson, Rim, Lee, VLDB 2019
    Example:
        >>> art = Art()
        >>> reading = Reading(dict(art.count(Resolved((), 840_000))))
        >>> art.read(reading)["resolution_mean_seconds"], round(art.read(reading)["resolution_p50_seconds"].value)
        (Value(value=840.0, samples=1), 848)
    """

    values = {**durations.values("resolution"), "negative_durations": "tickets"}
    facts = (Resolved,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if not isinstance(fact, Resolved) or fact.duration_ms is None:
            return
        if fact.duration_ms < 0:
            yield "art.negative", fact.sign
        else:
            yield from durations.count("art", fact.duration_ms, fact.sign)

    def read(self, reading: Reading) -> dict[str, Value]:
        negative = reading.total.get("art.negative", 0)
        found = {"negative_durations": Value(negative, negative)} if negative else {}
        return durations.read(reading, "art", "resolution") | found
