/*
title: Security log cleared in a session from another machine
id: 6f3945d3-dbaf-563a-be39-c61e6464106c
description: The Security log is cleared by somebody who had logged on to that machine over the network or by remote desktop within the four hours before.
level: critical
status: test
tags: [attack.defense-evasion, attack.t1070.001]
falsepositives:
  - Rebuilding of a machine by hand
reads: [event_log_actvity, authentication]
*/
with cleared as (
  select time, metadata.uid as uid, lower(device.hostname) as host, lower(actor.user.name) as who from event_log_actvity
  where activity_id = 1 or metadata.event_code = '1102'
), logons as (
  select time, metadata.uid as uid, lower(device.hostname) as host, lower(user.name) as who, src_endpoint.ip as ip from authentication
  where activity_id = 1 and status_id = 1 and logon_type_id in (3, 10) and coalesce(src_endpoint.ip, '127.0.0.1') not in ('127.0.0.1', '::1')
)
select c.time, c.host as entity, [l.uid, c.uid] as event_uids, c.who, l.ip
from cleared c join logons l on l.host = c.host and l.who = c.who and l.time between c.time - 14400000 and c.time
qualify row_number() over (partition by c.uid order by l.time desc) = 1
