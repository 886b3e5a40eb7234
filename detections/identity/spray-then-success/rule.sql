/*
title: Success from an address that failed on many accounts
id: 1db49345-1be7-5ab6-8de0-90a6a0c6143f
description: An address on which at least five accounts failed within six hours signs in to an account, which it had not done before.
level: critical
status: test
tags: [attack.initial-access, attack.t1110.003, attack.t1078]
falsepositives:
  - The NAT address of a site; known exits have successes before the failures and are left out
reads: [authentication]
*/
with tries as (
  select time, metadata.uid as uid, src_endpoint.ip as ip, lower(user.name) as who, status_id = 1 as ok, source
  from authentication
  where activity_id in (1, 3) and status_id in (1, 2) and src_endpoint.ip is not null and src_endpoint.ip not in ('127.0.0.1', '::1')
), firsts as (
  select * from tries where ok and who is not null
  qualify row_number() over (partition by ip order by time, uid) = 1
)
select s.time, s.who as entity, list_concat([s.uid], list_sort(list(distinct f.uid))[1:99]) as event_uids, s.ip, count(distinct f.who) as accounts_failed, s.source
from firsts s join tries f on f.ip = s.ip and not f.ok and f.time between s.time - 21600000 and s.time
where f.who is not null
group by s.time, s.who, s.uid, s.ip, s.source
having count(distinct f.who) >= 5
