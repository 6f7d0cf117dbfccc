-- Who was active on which local day; one row for each customer, day and set of segments.

create table activity as
select distinct customer, day, channel, segment, region, product, touchpoint, team from events where by_customer;
