/*
title: Autostart entry for a file that was just written
id: a09b9fd2-93c7-534b-b7c6-16d288290020
description: A run key, a service or a shell entry of the registry is set to a program that was written to the disk of the same machine within the hour before.
level: high
status: test
tags: [attack.persistence, attack.t1547.001]
falsepositives:
  - Installers of programs that start with the session
reads: [registry_value_activity, file_activity]
*/
with keys as (
  select time, metadata.uid as uid, device.hostname as host, reg_value.path as key, reg_value.name as name, lower(coalesce(reg_value.reg_string_data, '')) as data, actor.process.name as program
  from registry_value_activity
  where activity_id in (2, 3) and regexp_matches(lower(reg_value.path), '\\currentversion\\(run|runonce|runservices|policies\\explorer\\run)|\\winlogon$|\\image file execution options|\\services\\|\\active setup|\\command processor|\\windows load')
), files as (
  select time, metadata.uid as uid, device.hostname as host, lower(file.path) as path, actor.process.name as writer from file_activity
  where activity_id = 1 and file.path is not null and regexp_matches(lower(file.path), '\.(exe|dll|scr|ps1|vbs|js|bat|cmd|hta)$')
)
select k.time, k.host as entity, [f.uid, k.uid] as event_uids, k.key || '\' || coalesce(k.name, '') as value, k.data, f.path, k.program, f.writer
from keys k join files f on f.host = k.host and contains(k.data, f.path) and k.time between f.time and f.time + 3600000
qualify row_number() over (partition by k.uid order by f.time desc) = 1
