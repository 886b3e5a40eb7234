/*
title: Access key used after a month of silence
id: 15837fad-44d7-518d-96d7-c8688c0a38dd
description: A long-lived access key that has been silent for 30 days is used again. Forgotten keys are found by others first.
level: medium
status: test
tags: [attack.initial-access, attack.t1078.004]
falsepositives:
  - A quarterly job
reads: [api_activity]
*/
with uses as (
  select time, metadata.uid as uid, actor.session.credential_uid as key, actor.user.name as name, src_endpoint.ip as ip, api.operation as operation,
         lag(time) over (partition by actor.session.credential_uid order by time, metadata.uid) as before,
         lag(metadata.uid) over (partition by actor.session.credential_uid order by time, metadata.uid) as before_uid
  from api_activity
  where starts_with(actor.session.credential_uid, 'AKIA')
)
select time, name as entity, [before_uid, uid] as event_uids, key as access_key, ip, operation, (time - before) // 86400000 as silent_days
from uses where time - before >= 2592000000
