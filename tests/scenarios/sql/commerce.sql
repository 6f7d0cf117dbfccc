-- Orders, money, carts, trials, emails, goals, and what is said in public.

-- An order is paid once, at the earliest of the times that are said; of two at one moment, by the smaller id.
create table orders as
select customer, "order", n, "time", amount, currency, referral is not null as referred, id
from events where type = 'purchase.completed'
qualify row_number() over (partition by customer, "order" order by "time", id) = 1;

-- Refunds in order of time give back no more than was left. What they are of may be unknown, or in other money.
create table refunds as
with asked as (
    select r.customer, r."order", r.n, r."time", r.amount, r.currency, o.amount as paid,
        coalesce(r.currency = o.currency, false) as limited,
        sum(r.amount) over (
            partition by r.customer, r."order", r.currency order by r."time", r.id
            rows between unbounded preceding and current row) as wanted
    from events r left join orders o using (customer, "order")
    where r.type = 'purchase.refunded'
)
select *,
    case when limited then least(wanted, paid) - least(wanted - amount, paid) else amount end as given
from asked;

create table purchases as
select o.*,
    coalesce(o.amount > 0 and r.given = o.amount, false) as returned,
    row_number() over (partition by o.customer order by o."time", o.id) = 1 as first
from orders o
left join (select customer, "order", sum(given) as given from refunds where limited group by all) r
    using (customer, "order");

insert into facts
select 'purchases', n, "time", 1, null, 1, null from purchases where not returned
union all select 'referral_ratio', n, "time", referred::int, 1, 1, null from purchases where not returned
union all select 'repeat_purchase_ratio', n, "time", (not first)::int, 1, 1, null from purchases
union all select 'payment_failure_ratio', n, "time", 0, 1, 1, null from purchases
union all select 'payment_failure_ratio', n, "time", 1, 1, 1, null from events where type = 'purchase.failed'
union all select 'revenue', n, "time", amount, null, 1, currency from purchases
union all select 'revenue', n, "time", -given, null, 1, currency from refunds
union all select 'revenue_refunded', n, "time", 0, null, 0, currency from purchases
union all select 'revenue_refunded', n, "time", given, null, 1, currency from refunds
union all select 'average_order_value', n, "time", amount, 1, 1, currency from purchases
union all select 'average_order_value', n, "time", 0, 0, 0, currency from refunds
union all select 'excess_refunds', n, "time", 1, null, 1, null from refunds where given < amount;

-- Carts: changes, and the purchases that empty them. Of a change and a purchase at one moment the change was first.
create table baskets as
with touched as (
    select n, id, customer, "time", type = 'purchase.completed' as bought,
        case when cart is not null then 'cart ' || cart when session is not null then 'session ' || session else '' end
            as cart
    from events
    where type = 'purchase.completed' or (type = 'visit.cart' and coalesce(action, 'added') <> 'viewed')
), ordered as (
    select *, lead(bought) over life as next_bought, lead("time") over life as next_time
    from touched window life as (partition by customer, cart order by "time", bought, id)
), filled as (
    select n, "time" + 3600000 as left_at, next_time as bought_at, coalesce(next_time <= left_at, false) as in_time
    from ordered where not bought and (next_bought is null or next_bought)
)
select * from filled;

insert into facts
select value, n, moment, num, den, 1, null from (
    select 'carts' as value, n, bought_at as moment, 1 as num, null as den from baskets where in_time
    union all select 'carts', n, left_at, 1, null from baskets where not in_time
    union all select 'cart_abandonment_ratio', n, bought_at, 0, 1 from baskets where in_time
    union all select 'cart_abandonment_ratio', n, left_at, 1, 1 from baskets where not in_time
    union all select 'carts_recovered', n, bought_at, 1, null from baskets where not in_time and bought_at is not null
) where moment <= getvariable('finish');

-- Trials, by account; of several starts the earliest, which says when it ends: after 30 days at the latest.
create table trials as
with starts as (
    select customer, coalesce(account, '') as name, n, "time" as started, started + 2592000000 as latest,
        if(ends_ms is null, latest, least(greatest(ends_ms, started), latest)) as ends
    from events where type = 'account.trial_started'
    qualify row_number() over (partition by customer, name order by "time", id) = 1
), paid as (
    select customer, coalesce(account, '') as name, "time" as paid from events where type = 'account.converted'
)
select s.n, s.started, s.ends,
    coalesce(bool_or(paid between started and latest), false) as converted,
    coalesce(bool_or(paid between started and ends), false) as in_time
from starts s left join paid p using (customer, name)
group by all;

insert into facts
select 'trials_started', n, started, 1, null, 1, null from trials
union all select 'trial_conversion_ratio', n, started, converted::int, 1, 1, null from trials
union all select 'trials_expired', n, ends, 1, null, 1, null
    from trials where not in_time and ends <= getvariable('finish')
union all select 'cancellations', n, "time", 1, null, 1, null from events where type = 'account.cancelled';

-- Emails, where they were delivered, with what became of them whenever that was.
create table emails as
select arg_min(n, ("time", id)) filter (type = 'email.delivered') as n,
    min("time") filter (type = 'email.delivered') as moment,
    arg_min(n, ("time", id)) filter (type = 'email.bounced') as bounced_n,
    min("time") filter (type = 'email.bounced') as bounced_at,
    bool_or(type in ('email.opened', 'email.clicked'))::int as opened,
    bool_or(type = 'email.clicked')::int as clicked,
    bool_or(type = 'email.unsubscribed')::int as unsubscribed
from events where type like 'email.%' and email is not null
group by customer, email;

insert into facts
select 'email_open_ratio', n, moment, opened, 1, 1, null from emails where n is not null
union all select 'email_click_ratio', n, moment, clicked, 1, 1, null from emails where n is not null
union all select 'email_unsubscribe_ratio', n, moment, unsubscribed, 1, 1, null from emails where n is not null
union all select 'email_bounce_ratio', n, moment, 0, 1, 1, null from emails where n is not null
union all select 'email_bounce_ratio', bounced_n, bounced_at, 1, 1, 1, null from emails where bounced_n is not null;

insert into facts
select 'goal_success_rate', n, "time", 0, 1, 1, null from events where type = 'goal.tried'
union all select 'goal_success_rate', n, "time", 1, 0, 0, null from events where type = 'goal.reached'
union all select 'conversion_rate', n, "time", 1, 0, 0, null from events where type = 'goal.reached'
union all select 'conversion_rate', n, "time", 0, 1, 1, null from events where type in ('visit.page', 'visit.app');

insert into facts
select 'review_score', n, "time", rating, 1, 1, null from events where type = 'review.posted'
union all select 'mentions', n, "time", 1, null, 1, null from events where type = 'social.mention'
union all select 'mention_positive_ratio', n, "time", (sentiment = 'positive')::int, 1, 1, null
    from events where type = 'social.mention' and sentiment is not null
union all select 'mention_negative_ratio', n, "time", (sentiment = 'negative')::int, 1, 1, null
    from events where type = 'social.mention' and sentiment is not null;
