/*
title: Six discovery commands from one parent within five minutes
id: e98e6ca8-e926-51bc-b28e-629935e12e6f
description: One parent process starts at least six different commands that ask about users, groups, network, domain and system within five minutes. Each is harmless; in a row they are somebody who looks round.
level: medium
status: test
tags: [attack.discovery, attack.t1087, attack.t1016, attack.t1033, attack.t1082]
falsepositives:
  - Inventory and support scripts; leave out their parent
reads: [process_activity]
*/
with asked as (
  select time, metadata.uid as uid, device.hostname as host, coalesce(actor.process.uid, cast(actor.process.pid as varchar)) as parent, actor.process.name as parent_name, process.user.name as who,
         process.cmd_line as cmd,
         regexp_extract(lower(process.cmd_line), '(whoami|ipconfig|ifconfig|systeminfo|hostname|tasklist|quser|qwinsta|query user|nltest|dsquery|arp -a|route print|netstat|nslookup|net +(user|group|localgroup|accounts|view|share|use|session|config)|wmic +[a-z]+|klist|cmdkey|gpresult|setspn|uname|getent|last\b|lsblk|ip +(a|r)\b|ss -)', 1) as command
  from process_activity where activity_id = 1 and process.cmd_line is not null
), counted as (
  select *, count(distinct command) over (partition by host, parent order by time range between 300000 preceding and current row) as commands
  from asked where command <> '' and parent is not null
), edges as (
  select * from counted where commands >= 6
  qualify coalesce(time - lag(time) over (partition by host, parent order by time, uid) > 300000, true)
)
select e.time, e.host as entity, list_sort(list(distinct a.uid))[1:100] as event_uids, e.parent_name, e.who, list_sort(list(distinct a.cmd)) as command_lines
from edges e join asked a on a.host = e.host and a.parent = e.parent and a.command <> '' and a.time between e.time - 300000 and e.time
group by e.time, e.host, e.uid, e.parent_name, e.who
