/*
title: Service installed in a session from another machine
id: 86d74022-99e4-5cc0-b464-20bdaa2dcab0
description: "A service is installed by the very session (logon id) that came over the network less than ten minutes before: the way of PsExec and its kin, whatever the service is called."
level: high
status: test
tags: [attack.lateral-movement, attack.t1569.002, attack.t1021.002]
falsepositives:
  - Software distribution that installs services remotely
reads: [authentication, windows_service_activity]
*/
with logons as (
  select time, metadata.uid as uid, lower(device.hostname) as host, session.uid as logon, user.name as who, src_endpoint.ip as ip from authentication
  where activity_id = 1 and status_id = 1 and logon_type_id = 3 and session.uid is not null and coalesce(src_endpoint.ip, '127.0.0.1') not in ('127.0.0.1', '::1')
), services as (
  select time, metadata.uid as uid, lower(device.hostname) as host, actor.session.uid as logon, win_service.name as service, win_service.cmd_line as cmd from windows_service_activity
  where activity_id = 1 and actor.session.uid is not null
)
select s.time, s.host as entity, [l.uid, s.uid] as event_uids, s.service, s.cmd, l.who, l.ip
from services s join logons l on l.host = s.host and l.logon = s.logon and l.time between s.time - 600000 and s.time
qualify row_number() over (partition by s.uid order by l.time desc) = 1
