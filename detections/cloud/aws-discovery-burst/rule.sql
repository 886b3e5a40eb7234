/*
title: Burst of refused discovery calls in AWS
id: db7e17a5-c846-566b-95a8-3b5c17a32e09
description: One principal asks at least eight different read operations of at least four services within ten minutes, and a third of them is refused. That is a tool that finds out what a found key may do.
level: medium
status: test
tags: [attack.discovery, attack.t1580, attack.t1087.004]
falsepositives:
  - A posture scanner with a role that lacks rights
reads: [api_activity]
*/
with hits as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, api.operation as operation, api.service.name as service,
         src_endpoint.ip as ip, http_request.user_agent as agent, case when coalesce(action_id, 0) = 2 then 1 else 0 end as refused
  from api_activity
  where activity_id = 2 and actor.user.uid is not null and coalesce(actor.user.type, '') <> 'Service'
), counted as (
  select *, count(distinct service || operation) over w as operations, count(distinct service) over w as services,
         sum(refused) over w as refusals, count(*) over w as calls
  from hits
  window w as (partition by who order by time range between 600000 preceding and current row)
), edges as (
  select * from counted where operations >= 8 and services >= 4 and refusals * 3 >= calls
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 600000, true)
)
select e.time, e.name as entity, list_sort(list(distinct h.uid))[1:100] as event_uids, e.operations, e.services, e.refusals, e.calls,
       list_sort(list(distinct h.ip)) as addresses, list_sort(list(distinct h.agent)) as agents
from edges e join hits h on h.who = e.who and h.time between e.time - 600000 and e.time
group by all
