/*
title: "AS-REP roasting: tickets without pre-authentication for several accounts"
id: 9531502a-aa62-5314-b0fb-1ba3e5fa63c2
description: From one address ticket granting tickets of at least three accounts are got without pre-authentication within 30 minutes.
level: high
status: test
tags: [attack.credential-access, attack.t1558.004]
falsepositives:
  - A host that runs jobs of several such accounts
reads: [authentication]
*/
with tickets as (
  select time, metadata.uid as uid, src_endpoint.ip as ip, lower(user.name) as who from authentication
  where metadata.event_code = '4768' and status_id = 1 and src_endpoint.ip is not null and user.name is not null and not ends_with(user.name, '$')
    and json_extract_string(unmapped, '$.EventData.PreAuthType') = '0'
), counted as (
  select *, count(distinct who) over (partition by ip order by time range between 1800000 preceding and current row) as accounts from tickets
), edges as (
  select * from counted where accounts >= 3
  qualify coalesce(time - lag(time) over (partition by ip order by time, uid) > 1800000, true)
)
select e.time, e.ip as entity, list_sort(list(distinct t.uid))[1:100] as event_uids, list_sort(list(distinct t.who)) as accounts
from edges e join tickets t on t.ip = e.ip and t.time between e.time - 1800000 and e.time
group by e.time, e.ip, e.uid
