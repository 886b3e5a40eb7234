/*
title: File set back in time, then run
id: 6659928c-5fb3-5b6d-a229-46a80465bdc5
description: The creation time of a program file is set back by more than 30 days, and the file is started within a day on the same machine.
level: high
status: test
tags: [attack.defense-evasion, attack.t1070.006]
falsepositives:
  - Unpackers that restore times of an archive; they are known by their name
reads: [file_activity, process_activity]
*/
with aged as (
  select time, metadata.uid as uid, device.hostname as host, lower(file.path) as path, actor.process.name as program, file.created_time as before, file_result.created_time as after
  from file_activity
  where activity_id = 6 and file.created_time is not null and file_result.created_time is not null and file.created_time - file_result.created_time > 2592000000
), run as (
  select time, metadata.uid as uid, device.hostname as host, lower(process.file.path) as path, process.cmd_line as cmd from process_activity where activity_id = 1
)
select r.time, a.host as entity, [a.uid, r.uid] as event_uids, a.path, a.program, r.cmd, (a.before - a.after) // 86400000 as days_back
from aged a join run r on r.host = a.host and r.path = a.path and r.time between a.time and a.time + 86400000
qualify row_number() over (partition by a.uid order by r.time, r.uid) = 1
