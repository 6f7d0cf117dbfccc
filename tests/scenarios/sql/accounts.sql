-- Accounts: paid from a conversion to a cancellation, in order of time and then of ids. What says again what is so
-- already changes nothing. One that leaves does so in the segments in which it had joined.

create table turns as
with changes as (
    select n, customer, coalesce(account, '') as name, "time", id, type = 'account.converted' as joins,
        lag(joins) over (partition by customer, name order by "time", id) as paid
    from events where type in ('account.converted', 'account.cancelled')
)
select *, if(joins, n, lag(n) over (partition by customer, name order by "time", id)) as joined_n
from changes where joins <> coalesce(paid, false);

insert into facts
select 'accounts_new', joined_n, "time", 1, null, 1, null from turns where joins
union all select 'accounts_lost', joined_n, "time", 1, null, 1, null from turns where not joins;
