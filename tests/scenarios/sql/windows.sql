-- What windows are cut from: all facts in order of time, with the segments in which they count.

create table counted as
select f.*, e.channel, e.segment, e.region, e.product, e.touchpoint, e.team
from facts f join events e on e.n = f.n
order by f.moment;

create table lasted as
select d.*, e.channel, e.segment, e.region, e.product, e.touchpoint, e.team
from durations d join events e on e.n = d.n
order by d.moment;

create table routes as
select p.path, p."time" as moment, e.channel, e.segment, e.region, e.product, e.touchpoint, e.team
from paths p join events e on e.n = p.n;

create table marks as
select t.*, e.channel, e.segment, e.region, e.product, e.touchpoint, e.team
from tallies t join events e on e.n = t.n;
