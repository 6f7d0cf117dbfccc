"""The IT incidents: tickets resolved, FCR and ART by SQL over the CSV.

Rows count in the file's order (``n``), which is by sys_updated_at throughout; within one minute and one incident
(14,118 rows share theirs with the row before) the file decides. A row that is out of order would be taken as the file
has it, with its own time. Within one row a reopening comes before a new team, that before Resolved, that before Closed.

What happens to a ticket, each at its row's sys_updated_at:

- *reopened*: reopen_count is greater than in the incident's row before. Takes the resolution away.
- *resolved*: incident_state is Resolved and was not in the row before. Sets the resolution, to the later of two times
  where it was resolved already (so that leaving Resolved without reopen_count rising is no reopening).
- *closed*: incident_state is Closed and was not in the row before. Sets the resolution where there is none.

So what holds after the last row is decided by the rows from the last reopening on (``epoch``). A ticket counts at the
time of its resolution, in the segments of its first row: channel (contact_type in lower case, underscores), region
(location), product (category), team (assignment_group). Its duration runs from opened_at; a negative one is counted
apart and is in no average.

FCR: never reopened. Strict: also at most one team in all rows up to that of the resolution (the last *resolved* of the
epoch, else the first *closed*).

``rows`` looks at the first so many rows of the file only: the state of affairs in mid-stream.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

DIMENSIONS = ("channel", "region", "product", "team")

TICKETS = """
with raw as (
    select row_number() over () as n, * from read_csv(?, header = true, all_varchar = true, parallel = false)
), known as (
    select * from raw where ?::bigint is null or n <= ?
), typed as (
    select n, number, incident_state as state, reopen_count::int as reopens,
        epoch_ms(strptime(sys_updated_at, '%Y-%m-%d %H:%M:%S')) as time_ms,
        epoch_ms(strptime(opened_at, '%Y-%m-%d %H:%M:%S')) as opened_ms,
        replace(lower(trim(contact_type)), ' ', '_') as channel,
        nullif(trim(location), '') as region,
        nullif(trim(category), '') as product,
        nullif(trim(assignment_group), '') as team
    from known
), changes as (
    select *,
        coalesce(reopens > lag(reopens) over ticket, false) as reopened,
        state = 'Resolved' and lag(state) over ticket is distinct from 'Resolved' as resolved,
        state = 'Closed' and lag(state) over ticket is distinct from 'Closed' as closed,
        row_number() over ticket as nth
    from typed window ticket as (partition by number order by n)
), epochs as (
    select *, sum(reopened::int) over (partition by number order by n) as epoch from changes
), lasting as (
    select *, epoch = max(epoch) over (partition by number) as last_epoch from epochs
), ends as (
    select number,
        max(epoch) as reopenings,
        max(time_ms) filter (resolved and last_epoch) as resolved_ms,
        max(n) filter (resolved and last_epoch) as resolved_n,
        min(n) filter (resolved and last_epoch) as first_resolved_n,
        arg_min(time_ms, n) filter (closed and last_epoch) as closed_ms,
        min(n) filter (closed and last_epoch) as closed_n
    from lasting group by number
), resolutions as (
    select number, reopenings, coalesce(resolved_n, closed_n) as end_n,
        case when resolved_n is null then closed_ms
             when closed_n < first_resolved_n then greatest(closed_ms, resolved_ms)
             else resolved_ms end as end_ms
    from ends
), teams as (
    select t.number, count(distinct t.team) as teams
    from typed t join resolutions r on t.number = r.number and t.n <= r.end_n group by t.number
), steps as (
    select number, n, opened_ms as time_ms, team from changes where nth = 1
    union all select number, n, time_ms, team from changes where nth > 1 and team is not null
), moves as (
    select number, count(*) filter (team is distinct from before and before is not null) as moves
    from (
        select s.number, s.team, lag(s.team ignore nulls) over (partition by s.number order by s.time_ms, s.n) as before
        from steps s join resolutions r on s.number = r.number and (s.time_ms, s.n) <= (r.end_ms, r.end_n)
        where s.team is not null
    ) group by number
), tickets as (
    select r.number, r.end_ms, r.end_ms - f.opened_ms as duration_ms, r.reopenings = 0 as first,
        r.reopenings = 0 and teams.teams <= 1 as strict, coalesce(moves.moves, 0) as moves,
        f.channel, f.region, f.product, f.team
    from resolutions r left join moves on moves.number = r.number
    join changes f on f.number = r.number and f.nth = 1
    join teams on teams.number = r.number
    where r.end_ms is not null
)
"""
BETWEEN = """with tickets as (
    select * from resolved where (?::bigint is null or end_ms >= ?) and (?::bigint is null or end_ms < ?)
)
"""


@dataclass(frozen=True)
class Resolutions:
    """``resolved`` tickets; ``timed`` of them with a duration, ``duration_ms`` in all; percentiles by nearest rank."""

    resolved: int
    first_contact: int
    strict: int
    timed: int
    negative_durations: int
    duration_ms: int
    p50_ms: int | None
    p90_ms: int | None
    p99_ms: int | None
    moves: int

    @property
    def fcr(self) -> float:
        return self.first_contact / self.resolved

    @property
    def fcr_strict(self) -> float:
        return self.strict / self.resolved

    @property
    def art_ms(self) -> float | None:
        return self.duration_ms / self.timed if self.timed else None


@dataclass(frozen=True)
class Ticket:
    """One resolved ticket."""

    number: str
    resolved_ms: int
    duration_ms: int
    first_contact: bool
    strict: bool
    channel: str | None
    region: str | None
    product: str | None
    team: str | None


def resolutions(path, by=(), start_ms=None, end_ms=None, rows=None) -> dict[tuple[str, ...], Resolutions]:
    """Tickets resolved in an interval, by segment."""
    if unknown := set(by) - set(DIMENSIONS):
        raise ValueError(f"no such dimensions: {unknown}")
    keys = ", ".join(by)
    present = " and ".join(f"{name} is not null" for name in by) or "true"
    query = f"""{BETWEEN}, ranked as (
        select *, duration_ms >= 0 as timed,
            row_number() over (partition by {", ".join([*by, "duration_ms >= 0"])} order by duration_ms) as place,
            count(*) over (partition by {", ".join([*by, "duration_ms >= 0"])}) as size
        from tickets where {present}
    )
    select {", ".join([*by, "count(*)"])}, count(*) filter (first), count(*) filter (strict), count(*) filter (timed),
        count(*) filter (not timed), coalesce(sum(duration_ms) filter (timed), 0)::bigint, {_percentiles()},
        sum(moves)::bigint
    from ranked group by {keys or "all"} having count(*) > 0"""
    found = _rows(query, path, start_ms, end_ms, rows)
    return {tuple(row[: len(by)]): Resolutions(*row[len(by) :]) for row in found}


def opened(path, by=(), start_ms=None, end_ms=None) -> dict[tuple[str, ...], int]:
    """Tickets opened in an interval, by segment: of all that are in the file, in the segment of their first row."""
    present = " and ".join(f"{name} is not null" for name in by) or "true"
    query = f"""select {", ".join([*by, "count(*)"])} from openings
        where (?::bigint is null or opened_ms >= ?) and (?::bigint is null or opened_ms < ?) and {present}
        group by {", ".join(by) or "all"} having count(*) > 0"""
    return {tuple(row[: len(by)]): row[len(by)] for row in _rows(query, path, start_ms, end_ms, None)}


def tickets(path, start_ms=None, end_ms=None, rows=None) -> list[Ticket]:
    """The resolved tickets themselves, by number: to find which one differs."""
    columns = "number, end_ms, duration_ms, first, strict, channel, region, product, team"
    query = f"{BETWEEN} select {columns} from tickets order by number"
    return [Ticket(*row) for row in _rows(query, path, start_ms, end_ms, rows)]


def _percentiles() -> str:
    """The value at rank ceil(p/100 x n), in integers."""
    return ", ".join(
        f"max(duration_ms) filter (timed and place = ({percent} * size + 99) // 100)" for percent in (50, 90, 99)
    )


def _rows(query: str, path: Path | str, start_ms, end_ms, rows) -> list[tuple]:
    with _resolved(str(path), rows).cursor() as db:
        return db.execute(query, [start_ms, start_ms, end_ms, end_ms]).fetchall()


@cache
def _resolved(path: str, rows: int | None) -> duckdb.DuckDBPyConnection:
    """A database with the table `resolved`: all resolved tickets of the file."""
    db = duckdb.connect()
    db.execute(f"create table resolved as {TICKETS} select * from tickets", [path, rows, rows])
    db.execute(f"create table openings as {TICKETS} select * from changes where nth = 1", [path, rows, rows])
    return db
