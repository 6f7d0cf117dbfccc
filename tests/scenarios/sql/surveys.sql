-- Surveys: of a customer's answers to one survey and kind, the latest counts; of two at one moment, the larger id.

create table answers as
select *, score - low as above, high - low as width
from events
where type = 'survey.answered'
qualify row_number() over (partition by customer, survey, kind order by "time" desc, id desc) = 1;

insert into facts
select 'ces_score', n, "time", score, 1, 1, null from answers where kind = 'ces'
union all select 'ces_easy_ratio', n, "time", (3 * above >= 2 * width)::int, 1, 1, null from answers where kind = 'ces'
union all select 'ces_hard_ratio', n, "time", (3 * above <= width)::int, 1, 1, null from answers where kind = 'ces'
union all select 'csat_score', n, "time", score, 1, 1, null from answers where kind = 'csat'
-- 2520 is a multiple of every width that is used, so that the numbers stay whole.
union all select 'csat_normalized_score', n, "time", 2520 + 9 * above * (2520 // width), 2520, 1, null
    from answers where kind = 'csat'
union all select 'csat_satisfied_ratio', n, "time", (4 * above >= 3 * width)::int, 1, 1, null
    from answers where kind = 'csat'
union all select 'nps_score', n, "time", 100 * ((score >= 9)::int - (score <= 6)::int), 1, 1, null
    from answers where kind = 'nps'
union all select 'nps_promoter_ratio', n, "time", (score >= 9)::int, 1, 1, null from answers where kind = 'nps'
union all select 'nps_detractor_ratio', n, "time", (score <= 6)::int, 1, 1, null from answers where kind = 'nps';

-- Answered / sent.
insert into facts
select kind || '_response_rate', n, "time", 1, 0, 0, null from answers
union all select kind || '_response_rate', n, "time", 0, 1, 1, null from events where type = 'survey.sent';

-- The distributions that come with a score: PART has the scale, or the kind and group of those who gave a reason.
create table tallies (value varchar, n bigint, moment bigint, part varchar, mark varchar);

insert into tallies select kind || '_score', n, "time", low || '-' || high, score from answers;
insert into tallies select 'review_score', n, "time", '1-5', rating from events where type = 'review.posted';

create table reasoned as
select n, "time", list_distinct(coalesce(reasons, [])) as codes,
    case kind
        when 'nps' then case when score >= 9 then 'nps promoter' when score >= 7 then 'nps passive'
            else 'nps detractor' end
        when 'csat' then if(4 * above >= 3 * width, 'csat satisfied', 'csat dissatisfied')
        else case when 3 * above >= 2 * width then 'ces easy' when 3 * above <= width then 'ces hard'
            else 'ces neutral' end
    end as part
from answers;

insert into facts select 'reasons_given_ratio', n, "time", (len(codes) > 0)::int, 1, 1, null from reasoned;
insert into tallies select 'reasons_given_ratio', n, "time", part, unnest(codes) from reasoned;
