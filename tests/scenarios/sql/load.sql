-- The log, and of it what counts: each event id of a customer once, nothing with a score off its scale.
-- Tables that the others fill: facts, durations. See truth.py for how they are read.

create table log as
select n, unnest(value)
from read_ndjson(getvariable('path'), columns = {
    n: 'bigint',
    value: 'struct(
        type varchar, id varchar, "time" bigint, customer varchar, channel varchar, segment varchar, region varchar,
        product varchar, team varchar, touchpoint varchar, ticket varchar, session varchar, author varchar,
        public boolean, topic varchar, priority varchar, to_team varchar, direction varchar, wait_ms bigint,
        survey varchar, kind varchar, score int, scale struct(min int, max int), reasons varchar[],
        "order" varchar, amount bigint, currency varchar, referral varchar, cart varchar, action varchar,
        email varchar, account varchar, ends_ms bigint, rating int, sentiment varchar, page varchar, previous varchar)'
});

-- Ids that are one customer's, however they are joined: by the smallest of them.
create table known as
with recursive joined as (
    select customer as id, previous as other from log where type = 'customer.identified'
    union
    select previous, customer from log where type = 'customer.identified'
), same as (
    select id, other from joined
    union
    select s.id, j.other from same s join joined j on s.other = j.id
)
select id as name, least(id, min(other)) as customer from same group by id;

create table events as
with once as (
    select * from log
    where type <> 'survey.answered' or score between coalesce(scale.min, if(kind = 'nps', 0, 1))
        and coalesce(scale.max, if(kind = 'ces', 7, 10))
    qualify row_number() over (partition by customer, id order by n) = 1
)
select o.* exclude (scale, customer), coalesce(k.customer, o.customer) as customer,
    coalesce(scale.min, case kind when 'nps' then 0 else 1 end) as low,
    coalesce(scale.max, case kind when 'ces' then 7 else 10 end) as high,
    timezone(getvariable('zone'), to_timestamp("time" // 1000))::date as day,
    case
        when type in ('ticket.opened', 'ticket.reopened') then coalesce(author, 'customer') = 'customer'
        when type in ('ticket.replied', 'chat.message') then author = 'customer'
        when type = 'call.started' then coalesce(direction, 'inbound') = 'inbound'
        else type in (
            'chat.started', 'email.opened', 'email.clicked', 'email.unsubscribed', 'email.received', 'visit.page',
            'visit.app', 'visit.cart', 'visit.error', 'purchase.completed', 'purchase.failed', 'survey.answered',
            'goal.tried', 'goal.reached', 'account.created', 'account.trial_started', 'account.converted',
            'account.cancelled')
    end as by_customer
from once o left join known k on k.name = o.customer;

-- What a value is made of: its number is the sum of `num`, divided by that of `den` where there is one. It counts at
-- `at`, in the segments of the event `n`, and rests on the sum of `samples`. Amounts of different `money` do not add up.
create table facts (value varchar, n bigint, moment bigint, num bigint, den bigint, samples bigint, money varchar);

-- What percentiles are taken of: NAME_p50_seconds and so on.
create table durations (name varchar, n bigint, moment bigint, ms bigint);

insert into facts select 'touchpoints', n, "time", 1, null, 1, null from events;
