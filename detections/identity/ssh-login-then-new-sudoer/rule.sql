/*
title: SSH login from outside, then a new account with root rights
id: 6b660595-ef54-5e46-853e-071d1b135fef
description: Within two hours after an SSH login from a public address, a user is created on the same machine, or put into a group that may become root.
level: high
status: test
tags: [attack.persistence, attack.t1136.001, attack.t1548.003]
falsepositives:
  - Administration over the internet by hand
reads: [authentication, account_change, group_management]
*/
with logins as (
  select time, metadata.uid as uid, dst_endpoint.hostname as host, user.name as who, src_endpoint.ip as ip from authentication
  where source = 'linux.syslog' and activity_id = 1 and status_id = 1 and service.name = 'sshd' and src_endpoint.ip is not null
    and not regexp_matches(src_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|127\.|f[cd]|fe80|::1)')
), changes as (
  select time, metadata.uid as uid, device.hostname as host, user.name as target, 'account created' as what from account_change where source = 'linux.syslog' and activity_id = 1
  union all
  select time, metadata.uid, device.hostname, user.name, 'added to ' || "group".name from group_management
  where source = 'linux.syslog' and activity_id = 3 and lower("group".name) in ('sudo', 'wheel', 'admin', 'root', 'docker', 'lxd', 'adm', 'shadow', 'disk')
)
select c.time, l.host as entity, [l.uid, c.uid] as event_uids, l.who as login, l.ip, c.target, c.what
from changes c join logins l on l.host = c.host and c.time between l.time and l.time + 7200000
qualify row_number() over (partition by c.uid order by l.time desc) = 1
