/*
title: File written, run and talking to the outside within minutes
id: 80025470-2932-55fb-a6de-0631f5980510
description: A program file is written by a browser, mail client, document program or script host, started within ten minutes, and within ten more it connects to a public address.
level: high
status: test
tags: [attack.execution, attack.t1204.002, attack.command-and-control, attack.t1105]
falsepositives:
  - Installers that people download
reads: [file_activity, process_activity, network_activity]
*/
with dropped as (
  select time, metadata.uid as uid, device.hostname as host, lower(file.path) as path, actor.process.name as writer from file_activity
  where activity_id = 1 and regexp_matches(lower(file.path), '\.(exe|scr|com|pif|dll|msi|ps1|vbs|js|hta|bat|cmd|jar)$')
    and lower(actor.process.name) in ('chrome.exe', 'msedge.exe', 'firefox.exe', 'brave.exe', 'outlook.exe', 'winword.exe', 'excel.exe', 'powerpnt.exe', 'onenote.exe', 'acrord32.exe',
      'powershell.exe', 'pwsh.exe', 'cmd.exe', 'wscript.exe', 'cscript.exe', 'mshta.exe', 'rundll32.exe', 'certutil.exe', 'bitsadmin.exe', 'curl.exe', 'teams.exe', 'slack.exe', 'winrar.exe', '7zfm.exe', 'explorer.exe')
), run as (
  select time, metadata.uid as uid, device.hostname as host, lower(process.file.path) as path, process.uid as process, process.cmd_line as cmd from process_activity where activity_id = 1
), out as (
  select time, metadata.uid as uid, actor.process.uid as process, dst_endpoint.ip as ip from network_activity
  where dst_endpoint.ip is not null and not regexp_matches(dst_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|f[cd]|fe80|::1)')
)
select o.time, d.host as entity, [d.uid, r.uid, o.uid] as event_uids, d.path, d.writer, r.cmd, o.ip
from dropped d
join run r on r.host = d.host and r.path = d.path and r.time between d.time and d.time + 600000
join out o on o.process = r.process and o.time between r.time and r.time + 600000
qualify row_number() over (partition by r.uid order by o.time, d.time) = 1
