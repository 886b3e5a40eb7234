/*
title: Shell or script host under a parent that never starts one
id: 6c444601-f649-51aa-b30f-5b7044ff3dda
description: A shell, script host or signed loader is started by a program that has not started it on any machine in 14 days, although that program has run for at least three days. Needs no list of bad parents.
level: medium
status: test
tags: [attack.execution, attack.t1059, attack.t1204]
falsepositives:
  - New versions of software that call a script for the first time
reads: [process_activity]
*/
with starts as (
  select time, metadata.uid as uid, device.hostname as host, lower(actor.process.name) as parent, lower(process.name) as child, process.cmd_line as cmd, process.user.name as who
  from process_activity
  where activity_id = 1 and actor.process.name is not null and process.name is not null and device.hostname is not null
), parents as (
  -- A program is known by what it started and by its own start.
  select name, min(time) as since from (select parent as name, time from starts union all select child, time from starts) group by name
), pairs as (
  select parent, child, min(time) as time, min_by(uid, time) as uid, min_by(host, time) as host, min_by(cmd, time) as cmd, min_by(who, time) as who, count(distinct host) as hosts
  from starts
  where child in ('cmd.exe', 'powershell.exe', 'pwsh.exe', 'wscript.exe', 'cscript.exe', 'mshta.exe', 'rundll32.exe', 'regsvr32.exe', 'msbuild.exe', 'installutil.exe',
                  'bitsadmin.exe', 'certutil.exe', 'wmic.exe', 'bash', 'sh', 'dash', 'python3', 'perl', 'curl', 'wget', 'nc')
  group by all
)
select p.time, p.host as entity, [p.uid] as event_uids, p.parent, p.child, p.cmd, p.who
from pairs p join parents k on k.name = p.parent
where p.time - k.since >= 259200000 and p.hosts <= 2
