/*
title: One account logs on to many machines for the first time
id: 6cbaf4ae-4088-569d-8bc9-6bb6535853af
description: Within 30 minutes one account logs on over the network or by remote desktop to five machines on which it had not been in the lookback of 14 days.
level: high
status: test
tags: [attack.lateral-movement, attack.t1021, attack.t1078.002]
falsepositives:
  - A management or inventory tool in its first run
reads: [authentication]
*/
with logons as (
  select time, metadata.uid as uid, lower(user.name) as who, lower(device.hostname) as host, src_endpoint.ip as ip
  from authentication
  where activity_id = 1 and status_id = 1 and logon_type_id in (3, 10) and user.name is not null and device.hostname is not null
    and not ends_with(user.name, '$') and coalesce(user.type, '') <> 'System' and coalesce(src_endpoint.ip, '') not in ('127.0.0.1', '::1', '')
), firsts as (
  select who, host, min(time) as time, min_by(uid, time) as uid, min_by(ip, time) as ip from logons group by all
), known as (select who, min(time) as since from logons group by all),
counted as (
  select f.*, count(*) over (partition by f.who order by f.time range between 1800000 preceding and current row) as hosts
  -- An account without history of a day is new everywhere.
  from firsts f join known k using (who) where f.time - k.since >= 86400000
), edges as (
  select * from counted where hosts >= 5
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 1800000, true)
)
select e.time, e.who as entity, list_sort(list(distinct f.uid)) as event_uids, e.hosts, list_sort(list(distinct f.host)) as machines, list_sort(list(distinct f.ip)) as sources
from edges e join firsts f on f.who = e.who and f.time between e.time - 1800000 and e.time
group by e.time, e.who, e.uid, e.hosts
