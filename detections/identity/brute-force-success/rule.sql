/*
title: Many failures of one account, then success from the same place
id: feed7b00-5297-547e-bc04-2a47bc9eed99
description: At least ten sign-ins of one account fail within 30 minutes from one address, and the next one succeeds.
level: high
status: test
tags: [attack.credential-access, attack.t1110.001]
falsepositives:
  - A program with an old password, when its password is mended
reads: [authentication]
*/
with tries as (
  select time, metadata.uid as uid, lower(user.name) as who, coalesce(src_endpoint.ip, src_endpoint.hostname) as src, status_id, source, coalesce(count, 1) as times
  from authentication
  where activity_id in (1, 3) and status_id in (1, 2) and user.name is not null
), failing as (
  select *, sum(case when status_id = 2 then times else 0 end) over w as failures
  from tries where src is not null
  window w as (partition by who, src order by time range between 1800000 preceding and current row)
), opened as (
  select * from failing where status_id = 1 and failures >= 10
  qualify coalesce(time - lag(time) over (partition by who, src order by time, uid) > 1800000, true)
)
select o.time, o.who as entity, list_concat(list_sort(list(distinct f.uid))[1:99], [o.uid]) as event_uids, o.src, o.failures, o.source
from opened o join tries f on f.who = o.who and f.src = o.src and f.status_id = 2 and f.time between o.time - 1800000 and o.time
group by o.time, o.who, o.uid, o.src, o.failures, o.source
