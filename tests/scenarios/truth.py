"""The oracle: what every value must be, by SQL over the raw log. The glue between DuckDB and the comparison, no more.

The SQL is in ``sql/``, by subject. It makes, for each value, the facts that it is made of; a window and a segment are
then one aggregation over these. METRICS.md and docs/metrics.md are what it is written from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import duckdb

Segment = tuple[tuple[str, str], ...]
SUBJECTS = ("load", "surveys", "tickets", "targets", "commerce", "accounts", "customers", "journeys", "windows")
FIVE = ("awareness", "consideration", "purchase", "retention", "advocacy")


class Truth(NamedTuple):
    """A number, and what it rests on."""

    value: Fraction
    samples: int


class Days(NamedTuple):
    """A run of whole local days, and as many, or others, that came before it."""

    first: date
    last: date
    before: date


@dataclass(frozen=True)
class Promise:
    """What the numbers of a deployment depend on. ``hours``: weekday (1 is Monday), opening, closing in minutes."""

    zone: str = "UTC"
    stages: tuple[str, ...] = FIVE
    hours: tuple[tuple[int, int, int], ...] = ()
    holidays: tuple[date, ...] = ()


class Oracle:
    """What a log says that ends at ``finish_ms``. Each of its lines: ``{"n": …, "value": {…}}``."""

    def __init__(self, log: Path, finish_ms: int, by: Promise) -> None:
        self._sql = duckdb.connect()
        for name, value in {"path": str(log), "finish": finish_ms, "zone": by.zone, "stages": list(by.stages)}.items():
            self._sql.execute(f"set variable {name} = {value!r}")
        self._fill("hours (weekday int, opens int, closes int)", by.hours)
        self._fill("holidays (day date)", [(day,) for day in by.holidays])
        for subject in SUBJECTS:
            self._sql.execute((Path(__file__).parent / "sql" / f"{subject}.sql").read_text())

    def _fill(self, table: str, rows: Sequence[tuple]) -> None:
        self._sql.execute(f"create table {table}")
        for row in rows:
            self._sql.execute(f"insert into {table.split()[0]} values ({', '.join('?' * len(row))})", row)

    def values(self, start_ms: int, end_ms: int, segment: Segment = (), days: Days | None = None) -> dict[str, Truth]:
        """Everything that has data in [start, end); with what is counted by day where it is a run of whole days."""
        where = _where(segment)
        found = {
            name: Truth(Fraction(int(num), int(den or 1)), int(samples))
            for name, num, den, samples in self._rows(_VALUES, where, start_ms, end_ms)
        }
        for name, samples, *quantiles in self._rows(_QUANTILES, where, start_ms, end_ms):
            by_day = name.startswith("stage_")
            for percent, ms in zip((50,) if by_day else (50, 90, 99), quantiles, strict=False):
                if days is not None or not by_day:
                    found[f"{name}_p{percent}_seconds"] = Truth(Fraction(ms, 1000), samples)
        if days is not None:
            rows = self._rows(_BY_DAY, where, days.first, days.last, days.before)
            rows += self._rows(_STOCKS, where, start_ms, end_ms)
            found |= {name: Truth(Fraction(int(num), int(den)), int(samples)) for name, num, den, samples in rows}
        return found

    def distributions(self, start_ms: int, end_ms: int, segment: Segment = ()) -> dict[str, dict[str, dict[str, int]]]:
        """How many answers there are of each score or reason, by scale or group, for each value that has this."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for name, part, mark, n in self._rows(_DISTRIBUTIONS, _where(segment), start_ms, end_ms):
            found.setdefault(name, {}).setdefault(part, {})[mark] = n
        return found

    def paths(self, start_ms: int, end_ms: int, segment: Segment = ()) -> dict[str, int]:
        """How many journeys came to their first purchase over these channels."""
        return dict(self._rows(_PATHS, _where(segment), start_ms, end_ms))

    def cohorts(self, segment: Segment = ()) -> dict[tuple[str, date, int], int]:
        """Customers active in a ``week`` or ``month``, by its first day and its age since their first."""
        return {(unit, first, age): n for unit, first, age, n in self._rows(_COHORTS, _where(segment))}

    def count(self, sql: str) -> int:
        """A number of anything."""
        return int(self._sql.execute(sql).fetchall()[0][0])

    def segments(self, names: tuple[str, ...]) -> list[Segment]:
        """Those of a segmentation that have any touchpoint."""
        if not names:
            return [()]
        rows = self._sql.execute(f"select distinct {', '.join(names)} from events order by all").fetchall()
        return [tuple(zip(names, row, strict=True)) for row in rows if None not in row]

    def _rows(self, template: str, where: str, *given: object) -> list[tuple]:
        return self._sql.execute(template.format(where=where), given).fetchall()


def _where(segment: Segment) -> str:
    return "".join(f" and {name} = '{value}'" for name, value in segment)


_VALUES = """
select value, sum(num), sum(den), sum(samples)
from counted
where moment >= ? and moment < ? {where}
group by value
having sum(samples) > 0
    and count(distinct money) <= 1
    and (value <> 'conversion_rate' or sum(num) > 0)
"""
_QUANTILES = """
with ranked as (
    select name, ms, row_number() over (partition by name order by ms) as nth, count(*) over (partition by name) as n
    from lasted
    where moment >= ? and moment < ? {where}
)
select name, any_value(n),
    max(ms) filter (nth = greatest(1, (50 * n + 99) // 100)),
    max(ms) filter (nth = greatest(1, (90 * n + 99) // 100)),
    max(ms) filter (nth = greatest(1, (99 * n + 99) // 100))
from ranked group by name
"""
_BY_DAY = """
with span as (
    select $1::date as first, $2::date as last, $3::date as earliest
), seen as (
    select customer, min(day) as since,
        coalesce(bool_or(day between first and last), false) as now,
        coalesce(bool_or(day between earliest and first - 1), false) as earlier,
        coalesce(bool_or(day = last), false) as today
    from activity, span where true {where} group by customer
), counts as (
    select count(*) filter (now) as active, count(*) filter (now and since >= first) as new,
        count(*) filter (now and earlier) as retained, count(*) filter (earlier) as before,
        count(*) filter (today) as today, any_value(last > first) as several
    from seen, span
)
select 'active_customers', active, 1, active from counts where active > 0
union all select 'stickiness_ratio', today, active, active from counts where active > 0 and several
union all select 'new_customers', new, 1, active from counts where active > 0
union all select 'retained_customers', retained, 1, active from counts where active > 0
union all select 'returning_customers', active - new - retained, 1, active from counts where active > 0
union all select 'dormant_customers', before - retained, 1, before from counts where before > 0
union all select 'retention_ratio', retained, before, before from counts where before > 0
union all select 'churn_ratio', before - retained, before, before from counts where before > 0
"""
_STOCKS = """
with sums as (
    select
        coalesce(sum(num) filter (value = 'backlog_change'), 0) as backlog,
        count(*) filter (value = 'backlog_change') as tickets,
        count(*) filter (value = 'accounts_new') as joined,
        count(*) filter (value = 'accounts_lost') as lost,
        count(*) filter (value = 'accounts_new' and moment < start) as joined_before,
        count(*) filter (value = 'accounts_lost' and moment < start) as lost_before,
        joined_before - lost_before as at_start
    from counted, (select $1::bigint as start, $2::bigint as finish)
    where moment < finish {where}
)
select 'backlog_tickets', backlog, 1, tickets from sums where tickets > 0
union all select 'accounts', joined - lost, 1, joined from sums where joined > 0
union all select 'account_retention_ratio', at_start - (lost - lost_before), at_start, at_start
    from sums where at_start > 0 and lost - lost_before <= at_start
union all select 'account_churn_ratio', lost - lost_before, at_start, at_start
    from sums where at_start > 0 and lost - lost_before <= at_start
"""
_DISTRIBUTIONS = """
select value, part, mark, count(*) from marks where moment >= ? and moment < ? {where} group by all
"""
_PATHS = "select path, count(*) from routes where moment >= ? and moment < ? {where} group by path"
_COHORTS = """
with units as (
    select distinct customer, unit, date_trunc(unit, day)::date as period
    from activity, (select unnest(['week', 'month']) as unit) where true {where}
), aged as (
    select *, min(period) over (partition by customer, unit) as first from units
)
select unit, period, datediff(unit, first, period) as age, count(*) from aged group by all
"""
