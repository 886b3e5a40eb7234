/*
title: Account signs in after 45 days of silence
id: f8c44ba0-91fb-53fe-99e8-fd4deded3a62
description: An account that has not signed in for 45 days does so. Forgotten accounts have no owner who would notice.
level: medium
status: test
tags: [attack.initial-access, attack.t1078]
falsepositives:
  - Long leave; accounts for emergencies
reads: [authentication]
*/
with logons as (
  select time, metadata.uid as uid, lower(user.name) as who, src_endpoint.ip as ip, source,
         lag(time) over w as before, lag(metadata.uid) over w as before_uid
  from authentication
  where activity_id = 1 and status_id = 1 and user.name is not null and coalesce(user.type, '') not in ('System', 'Service') and not ends_with(user.name, '$')
  window w as (partition by lower(user.name) order by time, metadata.uid)
)
select time, who as entity, [before_uid, uid] as event_uids, ip, source, (time - before) // 86400000 as silent_days
from logons where time - before >= 3888000000
