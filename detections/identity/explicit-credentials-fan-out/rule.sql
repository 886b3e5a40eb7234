/*
title: "Other people's credentials used against many machines"
id: c3e54bbf-ccfc-5f6e-b4b2-c97225818dee
description: "A session uses explicit credentials (event 4648: run as, net use, remote tools) for at least three other accounts, or against at least five machines, within 15 minutes."
level: medium
status: test
tags: [attack.lateral-movement, attack.t1550, attack.t1078]
falsepositives:
  - "An administrator's console that connects to many servers"
reads: [authentication]
*/
with uses as (
  select time, metadata.uid as uid, lower(actor.user.name) as who, lower(user.name) as used, lower(dst_endpoint.hostname) as target, device.hostname as host
  from authentication
  where metadata.event_code = '4648' and actor.user.name is not null and user.name is not null and not ends_with(actor.user.name, '$')
    and lower(actor.user.name) <> lower(user.name)
), counted as (
  select *, count(distinct used) over w as accounts, count(distinct target) over w as targets from uses
  window w as (partition by host, who order by time range between 900000 preceding and current row)
), edges as (
  select * from counted where accounts >= 3 or targets >= 5
  qualify coalesce(time - lag(time) over (partition by host, who order by time, uid) > 900000, true)
)
select e.time, e.who as entity, list_sort(list(distinct u.uid))[1:100] as event_uids, e.host, list_sort(list(distinct u.used)) as accounts, list_sort(list(distinct u.target)) as targets
from edges e join uses u on u.who = e.who and u.host = e.host and u.time between e.time - 900000 and e.time
group by e.time, e.who, e.uid, e.host
