/*
title: Disabled accounts tried from one place
id: 14a2772d-99af-592f-896a-c2c4771b2113
description: "From one machine or address at least three different disabled, expired or locked accounts are tried within an hour: somebody works with an old list of your people."
level: medium
status: test
tags: [attack.credential-access, attack.t1110, attack.reconnaissance, attack.t1589.001]
falsepositives:
  - A migration of services
reads: [authentication]
*/
with tries as (
  select time, metadata.uid as uid, lower(user.name) as who, coalesce(src_endpoint.ip, src_endpoint.hostname) as src from authentication
  where status_id = 2 and status_detail in ('ACCOUNT_DISABLED', 'ACCOUNT_LOCKED_OUT', 'STATUS_ACCOUNT_EXPIRED', 'ACCOUNT_EXPIRED', 'LOCKED_OUT', 'PASSWORD_EXPIRED') and user.name is not null
), counted as (
  select *, count(distinct who) over (partition by src order by time range between 3600000 preceding and current row) as accounts from tries where src is not null
), edges as (
  select * from counted where accounts >= 3
  qualify coalesce(time - lag(time) over (partition by src order by time, uid) > 3600000, true)
)
select e.time, e.src as entity, list_sort(list(distinct t.uid))[1:100] as event_uids, list_sort(list(distinct t.who)) as accounts
from edges e join tries t on t.src = e.src and t.time between e.time - 3600000 and e.time
group by e.time, e.src, e.uid
