/*
title: Backups removed, then many files rewritten
id: c112d8b9-be7b-5eca-87dd-8b8f6ff3860a
description: Shadow copies or backups are deleted, or recovery is switched off, and within half an hour one process makes 20 files of one new extension on the same machine.
level: critical
status: test
tags: [attack.impact, attack.t1490, attack.t1486]
falsepositives:
  - A backup product that does both
reads: [process_activity, file_activity]
*/
with removed as (
  select time, metadata.uid as uid, device.hostname as host, process.cmd_line as cmd from process_activity
  where activity_id = 1 and regexp_matches(lower(process.cmd_line),
    'vssadmin.*(delete|resize).*shadow|wmic.*shadowcopy.*delete|wbadmin.*delete|bcdedit.*(recoveryenabled|bootstatuspolicy)|win32_shadowcopy.*(delete|remove)|diskshadow|fsutil.*usn.*deletejournal|cipher.* /w')
), made as (
  select time, metadata.uid as uid, device.hostname as host, actor.process.uid as process, actor.process.name as program, lower(file.ext) as ext
  from file_activity where activity_id in (1, 5) and file.ext is not null
    and lower(file.ext) not in ('tmp', 'log', 'etl', 'db', 'json', 'dat', 'dll', 'exe', 'lnk', 'js', 'css', 'png', 'svg', 'mui', 'pf')
), counted as (
  select *, count(*) over (partition by host, process, ext order by time range between 1800000 preceding and current row) as n from made
), edges as (
  select * from counted where n >= 20
  qualify coalesce(time - lag(time) over (partition by host, process, ext order by time, uid) > 1800000, true)
), caused as (
  select e.*, r.uid as cause, r.cmd from edges e join removed r on r.host = e.host and e.time between r.time - 600000 and r.time + 1800000
  qualify row_number() over (partition by e.host, e.uid order by r.time) = 1
)
select c.time, c.host as entity, list_concat([c.cause], list_sort(list(distinct m.uid))[1:99]) as event_uids, c.program, c.ext as extension, c.n as files, c.cmd
from caused c join made m on m.host = c.host and m.process is not distinct from c.process and m.ext = c.ext and m.time between c.time - 1800000 and c.time
group by c.time, c.host, c.cause, c.program, c.ext, c.n, c.cmd
