/*
title: "Password spray: many accounts, few tries each, one address"
id: ee05a504-a450-50ac-86f7-6a339a44961e
description: From one address the sign-ins of ten different accounts fail within an hour, with at most three tries each on average. Works on every source of sign-ins.
level: high
status: test
tags: [attack.credential-access, attack.t1110.003]
falsepositives:
  - A NAT address of a large site on the day passwords expire
reads: [authentication]
*/
with fails as (
  select time, metadata.uid as uid, src_endpoint.ip as ip, lower(user.name) as who, source
  from authentication
  where status_id = 2 and activity_id in (1, 3, 6) and src_endpoint.ip is not null and src_endpoint.ip not in ('127.0.0.1', '::1')
), counted as (
  select *, count(distinct who) over w as accounts, count(*) over w as tries
  from fails where who is not null
  window w as (partition by ip order by time range between 3600000 preceding and current row)
), edges as (
  select * from counted where accounts >= 10 and tries <= 3 * accounts
  qualify coalesce(time - lag(time) over (partition by ip order by time, uid) > 3600000, true)
)
select e.time, e.ip as entity, list_sort(list(distinct f.uid))[1:100] as event_uids, e.accounts, e.tries, list_sort(list(distinct f.who))[1:50] as users
from edges e join fails f on f.ip = e.ip and f.time between e.time - 3600000 and e.time
group by e.time, e.ip, e.uid, e.accounts, e.tries
