-- Tickets against what was promised: targets by priority, confirmed resolutions, business hours.

create table aims as
select * from (values
    ('urgent', 30, 30, 240), ('high', 60, 120, 1440), ('normal', 120, 480, 4320), ('low', 300, 1440, 10080)
) as t (priority, wait_s, reply_min, resolution_min);

-- What the earliest opening says; of two at one moment, that with the smaller id.
create table promised as
select customer, ticket, topic, first_n, opened,
    opened + reply_min * 60000 as reply_due, opened + resolution_min * 60000 as resolution_due
from (
    select customer, ticket, topic, first_n, "time" as opened, coalesce(priority, 'normal') as priority
    from steps where opens
    qualify row_number() over (partition by customer, ticket order by "time", id) = 1
) join aims using (priority);

insert into facts
select 'wait_breach_ratio', n, moment, (ms > wait_s * 1000)::int, 1, 1, null
from waits join aims on aims.priority = waits.priority;

-- A first reply in time counts where it was given. Else it is due where its time has come, but for tickets that are
-- resolved by then.
insert into facts
select 'first_reply_breach_ratio', p.first_n, p.replied, 0, 1, 1, null
from (select * from promised join replies using (customer, ticket)) p
where p.replied <= p.reply_due
union all
select 'first_reply_breach_ratio', p.first_n, p.reply_due, 1, 1, 1, null
from promised p left join replies using (customer, ticket) left join resolved using (customer, ticket)
where coalesce(replied > reply_due, true) and coalesce(resolved > reply_due, true)
    and reply_due <= getvariable('finish');

-- The last resolution decides. One before the opening is neither in time nor overdue.
create table overdue as
select p.first_n, p.resolution_due
from promised p left join resolved using (customer, ticket)
where coalesce(resolved > resolution_due, true) and resolution_due <= getvariable('finish');

insert into facts
select 'resolution_breach_ratio', p.first_n, resolved, 0, 1, 1, null
from promised p join resolved using (customer, ticket) where resolved between p.opened and resolution_due
union all select 'resolution_breach_ratio', first_n, resolution_due, 1, 1, 1, null from overdue
union all select 'tickets_overdue', first_n, resolution_due, 1, null, 1, null from overdue;

-- Confirmed: at first contact, and for a week no other ticket of the customer on that topic.
insert into facts
select 'fcr_confirmed_ratio', r.first_n, r.resolved + 604800000,
    (r.first and not exists (
        from promised o
        where o.customer = r.customer and o.ticket <> r.ticket and o.topic = p.topic
            and o.opened > r.resolved and o.opened <= r.resolved + 604800000))::int,
    1, 1, null
from resolved r left join promised p using (customer, ticket)
where r.resolved + 604800000 <= getvariable('finish');

-- Business hours as the clocks on the wall show them; `hours` has the minutes of each weekday from 1, a Monday.
create table stretches as
select epoch_ms(timezone(getvariable('zone'), day + to_minutes(opens))) as opened_ms,
    epoch_ms(timezone(getvariable('zone'), day + to_minutes(closes))) as closed_ms
from (select unnest(generate_series(min(day), max(day), interval 1 day))::timestamp as day from events)
join hours on weekday = isodow(day)
where day::date not in (select day from holidays);

create table business as
select r.first_n, r.resolved,
    coalesce(sum(least(closed_ms, r.resolved) - greatest(opened_ms, r.opened)) filter (closed_ms is not null), 0)::bigint
        as ms
from resolved r left join stretches s on s.opened_ms < r.resolved and s.closed_ms > r.opened
where r.ms >= 0 and exists (from hours)
group by r.customer, r.ticket, r.first_n, r.resolved, r.opened;

insert into facts
select 'resolution_business_mean_seconds', first_n, resolved, ms, 1000, 1, null from business;
insert into durations select 'resolution_business', first_n, resolved, ms from business;
