-- Journeys: the steps of each customer in order of time, those at one moment in order of arrival.
-- A step is what the customer did, or a good word about us in public.

create table travels as
with told as (
    select n, customer, "time", channel, ticket,
        case
            when type in ('review.posted', 'social.mention') then 'advocacy'
            when type = 'survey.answered' and kind = 'nps' and score >= 9 then 'advocacy'
            when type in ('purchase.completed', 'account.converted') then 'buy'
            when type in ('call.started', 'email.received', 'ticket.opened', 'ticket.replied', 'ticket.reopened')
                or type = 'visit.app' then 'contact'
            when type in ('chat.started', 'chat.message') then 'chat'
            when type in ('visit.cart', 'account.trial_started') then 'consider'
            when type = 'visit.page' and ltrim(page, '/') like 'product%' then 'consider'
            else 'aware'
        end as signal
    from events
    where by_customer or (type = 'review.posted' and rating >= 4)
        or (type = 'social.mention' and sentiment = 'positive')
), known as (
    select *,
        coalesce(bool_or(signal = 'buy') over before, false) as bought,
        lag("time") over life as last_time, lag(channel) over life as last_channel, lag(ticket) over life as last_ticket,
        lag(n) over life as last_n, lead("time") over life as next_time,
        row_number() over life as nth
    from told
    window life as (partition by customer order by "time", n),
        before as (partition by customer order by "time", n rows between unbounded preceding and 1 preceding)
), levelled as (
    select *,
        case signal
            when 'advocacy' then 4
            when 'buy' then if(bought, 3, 2)
            when 'contact' then if(bought, 3, 0)
            when 'chat' then if(bought, 3, 1)
            when 'consider' then 1
            else 0
        end as level,
        last_time is null or "time" >= last_time + 2592000000 as begins
    from known
)
select *,
    max(level) over life as reached,
    coalesce(max(level) over before, -1) as stood,
    sum(begins::int) over life as journey,
    not begins and channel <> last_channel as changes
from levelled
window life as (partition by customer order by nth),
    before as (partition by customer order by nth rows between unbounded preceding and 1 preceding);

-- Moves between stages: forward, to lapsed 30 days after the last step, and back.
create table moves as
with stages as (
    select unnest(range(5)) as level, unnest(getvariable('stages')) as stage
), turned as (
    select customer, nth, 1 as turn, "time", n, 'lapsed' as from_stage, a.stage as to_stage
    from travels join stages a on a.level = stood where begins and last_time is not null
    union all
    select customer, nth, 2, "time", n, coalesce(b.stage, 'none'), a.stage
    from travels join stages a on a.level = reached left join stages b on b.level = stood
    where a.stage is distinct from b.stage
    union all
    select customer, nth, 3, "time" + 2592000000, n, a.stage, 'lapsed'
    from travels join stages a on a.level = reached
    where "time" + 2592000000 <= coalesce(next_time, getvariable('finish'))
)
select *, "time" - lag("time") over (partition by customer order by nth, turn) as ms from turned;

insert into facts
select 'stage_' || to_stage || '_entered', n, "time", 1, null, 1, null from moves
union all select 'stage_' || from_stage || '_dropoff_ratio', n, "time", (to_stage = 'lapsed')::int, 1, 1, null
    from moves where from_stage not in ('none', 'lapsed')
union all select 'stage_lapsed_left', n, "time", 1, null, 1, null from moves where from_stage = 'lapsed';
insert into durations
select 'stage_' || from_stage, n, "time", ms from moves where from_stage not in ('none', 'lapsed');

-- Handoffs, and journeys over several channels.
insert into facts
select 'journeys', n, "time", 1, null, 1, null from travels where begins
union all select 'multichannel_rate', n, "time", 0, 1, 1, null from travels where begins
union all
select 'multichannel_rate', n, "time", 1, 0, 0, null
from (select * from travels where changes qualify row_number() over (partition by customer, journey order by nth) = 1)
union all select 'handoffs', n, "time", 1, null, 1, null from travels
    where changes and "time" - last_time <= 86400000
union all
select 'handoff_continuity_ratio', n, "time", coalesce(ticket = last_ticket, false)::int, 1, 1, null
from travels where changes and "time" - last_time <= 86400000 and last_ticket is not null;

-- Paths: the channels of a journey until its first purchase, the last five of them, none twice in a row.
create table paths as
with usual as (
    select *, if(channel in ('chat', 'email', 'phone', 'web', 'app', 'social', 'in_person', 'voice', 'device', 'bot'),
        channel, 'other') as place
    from travels
), bought as (
    select customer, journey, min(nth) as nth from travels where signal = 'buy' group by all
)
select b.customer, p.n, p."time",
    array_to_string(list(u.place order by u.nth)[-5:], '>') as path
from bought b
join travels p on p.customer = b.customer and p.nth = b.nth
join usual u on u.customer = b.customer and u.journey = b.journey and u.nth <= b.nth and (u.begins or u.changes)
group by all;

-- How many later steps of its customer had arrived before a step did.
create table overtaken as
select t.n, count(*) as overtaken
from travels t join travels o on o.customer = t.customer and o.n < t.n and o."time" > t."time"
group by t.n;
