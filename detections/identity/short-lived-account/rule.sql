/*
title: Account created and deleted within a day
id: d23c9192-09e5-511c-9374-f3779d7d38a2
description: An account is created and deleted again within 24 hours on the same machine or domain. Attackers tidy up; administrators rarely make accounts for hours.
level: medium
status: test
tags: [attack.persistence, attack.defense-evasion, attack.t1136, attack.t1070]
falsepositives:
  - Tests of provisioning
reads: [account_change]
*/
with made as (
  select time, metadata.uid as uid, lower(user.name) as name, actor.user.name as by_whom, coalesce(device.hostname, source) as host from account_change
  where activity_id = 1 and user.name is not null and coalesce(status_id, 1) <> 2
), gone as (
  select time, metadata.uid as uid, lower(user.name) as name, actor.user.name as by_whom, coalesce(device.hostname, source) as host from account_change
  where activity_id = 6 and user.name is not null and coalesce(status_id, 1) <> 2
)
select g.time, m.name as entity, [m.uid, g.uid] as event_uids, m.host, m.by_whom as created_by, g.by_whom as deleted_by, (g.time - m.time) // 60000 as minutes
from made m join gone g on g.name = m.name and g.host = m.host and g.time between m.time and m.time + 86400000
qualify row_number() over (partition by g.uid order by m.time desc) = 1
