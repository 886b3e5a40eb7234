/*
title: Second factor reset, enrolled anew and used from a new network
id: 2adc3175-4e8b-5004-aa02-2042de25f540
description: "The factors of a person are reset, a new one is enrolled within four hours, and within a day the person signs in from a network that he has not used in the lookback: what a help-desk call by an impostor looks like."
level: high
status: test
tags: [attack.persistence, attack.t1556.006, attack.t1098.005]
falsepositives:
  - A new telephone on the first day of a journey
reads: [account_change, authentication]
*/
with resets as (
  select time, metadata.uid as uid, lower(user.name) as who, actor.user.name as name from account_change
  where activity_name = 'MFA Factor Disable' and status_id = 1 and user.name is not null
), enrolled as (
  select time, metadata.uid as uid, lower(user.name) as who from account_change
  where activity_name = 'MFA Factor Enable' and status_id = 1 and user.name is not null
), logons as (
  select time, metadata.uid as uid, lower(user.name) as who, src_endpoint.ip as ip,
         coalesce(cast(src_endpoint.autonomous_system.number as varchar), src_endpoint.ip) as network
  from authentication where activity_id = 1 and status_id = 1 and user.name is not null and src_endpoint.ip is not null
)
select l.time, l.who as entity, [r.uid, e.uid, l.uid] as event_uids, r.name as reset_by, l.ip, l.network
from resets r
join enrolled e on e.who = r.who and e.time between r.time and r.time + 14400000
join logons l on l.who = r.who and l.time between e.time and r.time + 86400000
where not exists (from logons o where o.who = l.who and o.network = l.network and o.time < r.time)
qualify row_number() over (partition by r.uid order by l.time, e.time) = 1
