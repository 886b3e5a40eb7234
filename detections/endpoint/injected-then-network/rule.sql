/*
title: Process injected, then talks to the outside
id: bea5365a-0bf0-50ac-a802-9cc17cfe9272
description: A remote thread is put into a process, and that process connects to a public address within ten minutes, to which it had not connected before.
level: high
status: test
tags: [attack.defense-evasion, attack.t1055, attack.command-and-control, attack.t1071]
falsepositives:
  - Browsers with protection software; both ends are known products
reads: [process_activity, network_activity]
*/
with injected as (
  select time, metadata.uid as uid, device.hostname as host, process.uid as victim, process.name as name, actor.process.file.path as by_program
  from process_activity where activity_id = 4 and process.uid is not null and process.uid is distinct from actor.process.uid
), out as (
  select time, metadata.uid as uid, device.hostname as host, actor.process.uid as process, dst_endpoint.ip as ip, dst_endpoint.port as port
  from network_activity
  where actor.process.uid is not null and dst_endpoint.ip is not null
    and not regexp_matches(dst_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|f[cd]|fe80|::1|2(2[4-9]|3[0-9])\.)')
)
select o.time, i.host as entity, [i.uid, o.uid] as event_uids, i.name as process, i.by_program, o.ip, o.port
from injected i join out o on o.process = i.victim and o.host = i.host and o.time between i.time and i.time + 600000
where not exists (from out p where p.process = o.process and p.ip = o.ip and p.time < i.time)
qualify row_number() over (partition by i.host, i.victim order by o.time, i.time) = 1
