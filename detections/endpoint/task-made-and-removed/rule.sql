/*
title: Scheduled task made and removed within ten minutes
id: 37badcb2-5707-5c0e-9d82-fa2e041995ff
description: "A scheduled task is created and deleted again within ten minutes: remote execution that tidies up."
level: medium
status: test
tags: [attack.execution, attack.persistence, attack.t1053.005, attack.t1070]
falsepositives:
  - "Installers and updaters under `\\Microsoft\\`, which are left out"
reads: [scheduled_job_activity]
*/
with steps as (
  select time, metadata.uid as uid, lower(device.hostname) as host, lower(job.name) as task, activity_id as act, actor.user.name as who, job.cmd_line as cmd
  from scheduled_job_activity
  where activity_id in (1, 3) and job.name is not null and not starts_with(lower(job.name), '\microsoft\') and not starts_with(lower(job.name), 'microsoft\')
)
select d.time, d.host as entity, [c.uid, d.uid] as event_uids, c.task, coalesce(c.cmd, d.cmd) as cmd, c.who, (d.time - c.time) // 1000 as seconds
from steps c join steps d on d.host = c.host and d.task = c.task and d.time between c.time and c.time + 600000
where c.act = 1 and d.act = 3
qualify row_number() over (partition by d.uid order by c.time desc) = 1
