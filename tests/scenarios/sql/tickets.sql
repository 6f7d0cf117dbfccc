-- Tickets: their touchpoints in order of time, those at one moment in order of arrival. A ticket counts in the segments
-- of its first touchpoint; one that was merged into another leaves all counts.

create table steps as
select *,
    row_number() over life as nth,
    first_value(n) over life as first_n,
    type = 'ticket.opened' as opens,
    coalesce(type = 'email.received'
        or (type in ('ticket.replied', 'chat.message') and author = 'customer'), false) as asks,
    coalesce(type in ('ticket.replied', 'chat.message') and author = 'agent' and coalesce(public, true), false) as replies,
    coalesce(type = 'call.started' and by_customer, false) as calls,
    type = 'ticket.reopened' as reopens,
    case type when 'chat.handed_off' then to_team when 'ticket.opened' then team when 'ticket.assigned' then team end
        as to_which
from events
where ticket is not null
window life as (partition by customer, ticket order by "time", n)
qualify not bool_or(type = 'ticket.merged') over (partition by customer, ticket);

-- The opening, if it is known, and what it says.
create table openings as
select customer, ticket, nth, "time" as opened, first_n, coalesce(author, 'customer') = 'customer' as asked
from steps where opens
qualify row_number() over (partition by customer, ticket order by nth) = 1;

-- The last resolution since the last reopening, or the first closing where there is none.
create table resolutions as
with epochs as (
    select customer, ticket, first_n, nth, "time", type,
        count(*) filter (reopens) over (partition by customer, ticket) as reopenings,
        max(nth) filter (reopens) over (partition by customer, ticket) as reopened_at
    from steps
), ends as (
    select customer, ticket, any_value(first_n) as first_n, any_value(reopenings) as reopenings,
        coalesce(
            max(nth) filter (type = 'ticket.resolved'),
            min(nth) filter (type = 'ticket.closed')) as nth
    from epochs where reopened_at is null or nth > reopened_at
    group by customer, ticket
)
select ends.*, steps."time" as resolved, opened, resolved - opened as ms
from ends
join steps using (customer, ticket, nth)
left join (select customer, ticket, opened from openings) using (customer, ticket);

-- Contact episodes until the resolution. The customer turns to us by a word, a call, a reopening, and by an opening
-- before all of these.
create table contacts as
with turns as (
    select s.customer, s.ticket, s.nth, s.session, s.calls or s.reopens as always,
        max(s.nth) filter (s.replies) over before as replied_at,
        count(*) filter (s.asks or s.calls or s.reopens or s.opens) over before as turns_before,
        s.asks or s.calls or s.reopens or (s.opens and turns_before = 0) as turns
    from steps s join resolutions r on s.customer = r.customer and s.ticket = r.ticket and s.nth <= r.nth
    window before as (
        partition by s.customer, s.ticket order by s.nth rows between unbounded preceding and 1 preceding)
), known as (
    select *,
        lag(nth) over (partition by customer, ticket order by nth) as turned_at,
        session is not null and row_number() over (partition by customer, ticket, session order by nth) > 1 as in_session
    from turns where turns
)
select customer, ticket,
    count(*) filter (turned_at is null or ((always or replied_at > turned_at) and not in_session)) as episodes
from known group by customer, ticket;

-- What happened until the resolution.
create table totals as
with teams as (
    select customer, ticket, nth, to_which <> lag(to_which) over (partition by customer, ticket order by nth) as moves
    from steps where to_which is not null
)
select r.customer, r.ticket,
    count(*) filter (s.replies) as replies,
    count(*) filter (s.replies or s.asks) as messages,
    count(*) filter (t.moves) as moves
from resolutions r
join steps s on s.customer = r.customer and s.ticket = r.ticket and s.nth <= r.nth
left join teams t on t.customer = s.customer and t.ticket = s.ticket and t.nth = s.nth
group by r.customer, r.ticket;

create table resolved as
select r.*, t.replies, t.messages, t.moves,
    r.reopenings = 0 and coalesce(c.episodes, 0) <= 1 as first,
    first and t.moves = 0 as strict,
    r.reopenings = 0 and t.replies <= 1 as one_touch
from resolutions r
join totals t using (customer, ticket)
left join contacts c using (customer, ticket);

insert into facts
select 'fcr_ratio', first_n, resolved, first::int, 1, 1, null from resolved
union all select 'fcr_strict_ratio', first_n, resolved, strict::int, 1, 1, null from resolved
union all select 'fcr_one_touch_ratio', first_n, resolved, one_touch::int, 1, 1, null from resolved
union all select 'resolution_mean_seconds', first_n, resolved, ms, 1000, 1, null from resolved where ms >= 0
union all select 'negative_durations', first_n, resolved, 1, null, 1, null from resolved where ms < 0
union all select 'reopened_ratio', first_n, resolved, (reopenings > 0)::int, 1, 1, null from resolved
union all select 'reassignments_per_ticket', first_n, resolved, moves, 1, 1, null from resolved
union all select 'messages_per_ticket', first_n, resolved, messages, 1, 1, null from resolved
union all select 'tickets_opened', first_n, opened, 1, null, 1, null from openings
union all select 'backlog_change', first_n, opened, 1, null, 1, null from openings
union all select 'backlog_change', first_n, resolved, -1, null, 1, null from resolved where opened is not null;

insert into durations select 'resolution', first_n, resolved, ms from resolved where ms >= 0;

-- The first public reply of a person after the opening; the second where we opened it.
create table replies as
select o.customer, o.ticket, o.first_n, s."time" as replied, s."time" - o.opened as ms
from openings o
join steps s on s.customer = o.customer and s.ticket = o.ticket and s.nth > o.nth and s.replies
qualify row_number() over (partition by o.customer, o.ticket order by s.nth) = case when o.asked then 1 else 2 end;

insert into facts select 'first_reply_mean_seconds', first_n, replied, ms, 1000, 1, null from replies;
insert into durations select 'first_reply', first_n, replied, ms from replies;

-- Waiting, by session. Of each kind of event the earliest counts; of two moment one moment, the smaller id.
create table talks as
select customer, session, split_part(type, '.', 1) as medium,
    min("time") filter (type in ('chat.started', 'call.started') and by_customer) as began,
    arg_min(coalesce(priority, 'normal'), ("time", id))
        filter (type in ('chat.started', 'call.started') and by_customer) as priority,
    min(struct_pack("time", id, n, wait_ms))
        filter (type = 'call.answered' or (type = 'chat.message' and author = 'agent')) as answer,
    min(struct_pack("time", id, n)) filter (type in ('chat.ended', 'call.ended')) as ending
from events
where session is not null and split_part(type, '.', 1) in ('chat', 'call')
group by all
having began is not null;

create table waits as
select answer.n as n, answer."time" as moment, coalesce(answer.wait_ms, greatest(0, answer."time" - began)) as ms,
    false as gone, priority
from talks where answer is not null and (ending is null or answer."time" <= ending."time")
union all
select ending.n, ending."time", ending."time" - began, true, priority
from talks where ending is not null and (answer is null or answer."time" > ending."time");

insert into facts
select 'wait_mean_seconds', n, moment, ms, 1000, 1, null from waits where not gone
union all select 'abandonment_ratio', n, moment, gone::int, 1, 1, null from waits;
insert into durations select 'wait', n, moment, ms from waits where not gone;
