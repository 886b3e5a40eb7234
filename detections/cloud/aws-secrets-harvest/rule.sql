/*
title: Many secrets read by one principal
id: e45917a7-e308-5d99-8162-f810f627cb8e
description: One principal reads eight different secrets or parameters within ten minutes and has not read so many in any earlier hour of the last week. Workloads read the few that they need.
level: high
status: test
tags: [attack.credential-access, attack.t1555.006]
falsepositives:
  - A tool that synchronises secrets, in its first run
reads: [api_activity]
*/
with hits as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, src_endpoint.ip as ip,
         coalesce(json_extract_string(api.request.data, '$.secretId'), json_extract_string(api.request.data, '$.name'), cast(api.request.data as varchar)) as secret
  from api_activity
  where status_id = 1 and actor.user.uid is not null and api.operation in ('GetSecretValue', 'BatchGetSecretValue', 'GetParameter', 'GetParameters', 'GetParametersByPath')
), counted as (
  select *, count(distinct secret) over (partition by who order by time range between 600000 preceding and current row) as n from hits
), compared as (
  select *, max(n) over (partition by who order by time range between unbounded preceding and 3600000 preceding) as usual from counted
), edges as (
  select * from compared where n >= 8 and n > coalesce(usual, 0)
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 600000, true)
)
select e.time, e.name as entity, list_sort(list(distinct h.uid))[1:100] as event_uids, list_sort(list(distinct h.secret))[1:50] as secrets, e.ip
from edges e join hits h on h.who = e.who and h.time between e.time - 600000 and e.time
group by all
