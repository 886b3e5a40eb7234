/*
title: LSASS memory opened by a program that never did
id: a9304465-b190-576e-b96f-9f9e958868b9
description: A program opens the memory of lsass.exe for reading that has not done so on any machine in 14 days. Security products do it every day and are known after one.
level: high
status: test
tags: [attack.credential-access, attack.t1003.001]
falsepositives:
  - A newly installed security product
reads: [process_activity]
*/
with opened as (
  select time, metadata.uid as uid, device.hostname as host, lower(actor.process.file.path) as program, actual_permissions as access, actor.user.name as who
  from process_activity
  where activity_id = 3 and lower(process.name) = 'lsass.exe' and actor.process.file.path is not null
    -- PROCESS_VM_READ, which reading memory takes.
    and (coalesce(actual_permissions, 0) & 16) = 16
), firsts as (
  select program, min(time) as time, min_by(uid, time) as uid, min_by(host, time) as host, min_by(who, time) as who, min_by(access, time) as access from opened group by program
), known as (select min(time) as since from process_activity)
select f.time, f.host as entity, [f.uid] as event_uids, f.program, f.who, f.access
from firsts f, known k
where f.time - k.since >= 86400000
