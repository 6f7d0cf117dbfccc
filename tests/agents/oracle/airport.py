"""The airport survey: NPS, CSAT and CES by SQL over the CSV.

An answer's time is noon in San Francisco on day INTDATE of May 2017, which was daylight saving time throughout: 19:00
UTC. Dimensions: channel, segment (BAREA), region (DESTGEO), product (AIRLINE_CODE), and for CES touchpoint, which the
answers to the other two questions do not have.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

DIMENSIONS = {
    "channel": "'in_person'",
    "segment": "BAREA",
    "region": "DESTGEO",
    "product": "AIRLINE_CODE",
    "touchpoint": "touchpoint",
}

ANSWERS = """
with raw as (
    select *, epoch_ms(make_timestamp(2017, 5, INTDATE::int, 19, 0, 0)) as time_ms
    from read_csv(?, header = true, all_varchar = true)
), asked as (
    select 'nps' as kind, null as touchpoint, NETPRO as answer, 0 as low, 10 as high, * from raw
    union all select 'csat', null, Q7ALL, 1, 5, * from raw
    union all select 'ces', 'finding_the_way', Q14FIND, 1, 5, * from raw
    union all select 'ces', 'security', Q14PASSTHRU, 1, 5, * from raw
    union all select 'ces', 'getting_there', Q13GETRATE, 1, 5, * from raw
), answers as (
    select *, try_cast(answer as int) as score from asked
    where try_cast(answer as int) between low and high
)
"""


@dataclass(frozen=True)
class Nps:
    """Answers by group."""

    n: int
    promoters: int
    passives: int
    detractors: int

    @property
    def score(self) -> float:
        """-100 to 100."""
        return 100 * (self.promoters - self.detractors) / self.n


@dataclass(frozen=True)
class Csat:
    """Answers from 1 to 5; satisfied are those whose place on the scale is at or above three quarters."""

    n: int
    total: int
    satisfied: int

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def satisfied_share(self) -> float:
        return self.satisfied / self.n


@dataclass(frozen=True)
class Ces:
    """Answers from 1 (difficult) to 5 (easy), and how often each was given."""

    n: int
    total: int
    distribution: dict[int, int]

    @property
    def mean(self) -> float:
        return self.total / self.n


def nps(path, by=(), start_ms=None, end_ms=None) -> dict[tuple[str, ...], Nps]:
    """Promoters 9-10, passives 7-8, detractors 0-6 by segment."""
    groups = (
        "count(*), count(*) filter (score >= 9), count(*) filter (score between 7 and 8), count(*) filter (score <= 6)"
    )
    return {key: Nps(*counts) for key, counts in _grouped(path, "nps", groups, by, start_ms, end_ms).items()}


def csat(path, by=(), start_ms=None, end_ms=None) -> dict[tuple[str, ...], Csat]:
    """Satisfaction overall (Q7ALL) by segment."""
    groups = "count(*), sum(score)::bigint, count(*) filter (4 * (score - low) >= 3 * (high - low))"
    return {key: Csat(*counts) for key, counts in _grouped(path, "csat", groups, by, start_ms, end_ms).items()}


def ces(path, by=(), start_ms=None, end_ms=None) -> dict[tuple[str, ...], Ces]:
    """Effort of all three questions by segment; cut by touchpoint to tell them apart."""
    groups = "count(*), sum(score)::bigint, " + ", ".join(f"count(*) filter (score = {s})" for s in range(1, 6))
    return {
        key: Ces(n, total, dict(zip(range(1, 6), counts, strict=True)))
        for key, (n, total, *counts) in _grouped(path, "ces", groups, by, start_ms, end_ms).items()
    }


def _grouped(path: Path | str, kind: str, counts: str, by, start_ms, end_ms) -> dict[tuple[str, ...], tuple]:
    keys = [DIMENSIONS[name] for name in by]
    present = "".join(f" and {key} is not null" for key in keys)
    query = f"""{ANSWERS} select {", ".join([*keys, counts])} from answers
        where kind = ? and (?::bigint is null or time_ms >= ?) and (?::bigint is null or time_ms < ?){present}
        group by {", ".join(keys) or "all"} having count(*) > 0"""
    with duckdb.connect() as db:
        rows = db.execute(query, [str(path), kind, start_ms, start_ms, end_ms, end_ms]).fetchall()
    return {tuple(row[: len(keys)]): row[len(keys) :] for row in rows}
