"""The CD purchases: customers active, purchases and revenue by SQL over the text file.

The file is white-space separated with a header: customer, day (YYYYMMDD), number of CDs, dollars. All customers are on
channel web and buy product cd. Amounts have two decimals: cents are read from the digits,
not by way of binary fractions.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

DIMENSIONS = {"channel": "'web'", "product": "'cd'"}

PURCHASES = r"""
with raw as (
    select string_split_regex(trim(line, E' \r\n'), '\s+') as cells
    from read_csv(?, header = false, columns = {'line': 'varchar'}, delim = E'\x01', quote = '', escape = '', skip = 1)
), purchases as (
    select cells[1] as customer, strptime(cells[2], '%Y%m%d')::date as day, cells[3]::int as items,
        (cells[4]::decimal(12, 2) * 100)::bigint as cents
    from raw
)
"""


@dataclass(frozen=True)
class Activity:
    """``cents`` is the revenue."""

    customers: int
    purchases: int
    cents: int
    items: int


@dataclass(frozen=True)
class Month:
    """Customers who bought in a month, in the month before, in both, and for the first time."""

    active: int
    active_before: int
    retained: int
    new: int


def months(path: Path | str) -> dict[date, Month]:
    """Every month but the first."""
    query = f"""{PURCHASES}, active as (select distinct customer, date_trunc('month', day)::date as month from purchases
        ), firsts as (select customer, min(month) as month from active group by all
        ), all_months as (select distinct month from active)
        select m.month,
            (select count(*) from active a where a.month = m.month),
            (select count(*) from active a where a.month = (m.month - interval 1 month)::date),
            (select count(*) from active a join active b using (customer)
                where a.month = m.month and b.month = (m.month - interval 1 month)::date),
            (select count(*) from firsts f where f.month = m.month)
        from all_months m order by 1 offset 1"""
    with duckdb.connect() as db:
        rows = db.execute(query, [str(path)]).fetchall()
    return {row[0]: Month(*row[1:]) for row in rows}


def cohorts(path: Path | str) -> dict[date, dict[int, int]]:
    """Customers by the month of their first purchase, and of these, those who bought so many months later."""
    query = f"""{PURCHASES}, active as (select distinct customer, date_trunc('month', day)::date as month from purchases
        ), aged as (select min(month) over (partition by customer) as cohort, month from active)
        select cohort, date_diff('month', cohort, month) as age, count(*) from aged group by all"""
    with duckdb.connect() as db:
        rows = db.execute(query, [str(path)]).fetchall()
    found: dict[date, dict[int, int]] = {}
    for cohort, age, number in rows:
        found.setdefault(cohort, {})[age] = number
    return found


def activity(
    path: Path | str, from_day: date | None = None, to_day: date | None = None, by=()
) -> dict[tuple[str, ...], Activity]:
    """What happened on the days from ``from_day`` to before ``to_day``, by segment."""
    keys = [DIMENSIONS[name] for name in by]
    query = f"""{PURCHASES}
        select {", ".join([*keys, "count(distinct customer)"])}, count(*), sum(cents)::bigint, sum(items)::bigint
        from purchases where (?::date is null or day >= ?) and (?::date is null or day < ?)
        group by {", ".join(keys) or "all"} having count(*) > 0"""
    with duckdb.connect() as db:
        rows = db.execute(query, [str(path), from_day, from_day, to_day, to_day]).fetchall()
    return {tuple(row[: len(keys)]): Activity(*row[len(keys) :]) for row in rows}
