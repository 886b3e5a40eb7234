/*
title: Instance credentials used from two addresses
id: f0eb0c89-cb3e-59cd-b858-79587fdeecb3
description: The temporary credentials of an EC2 instance (role session named as the instance) are used from an address that the instance never had, while another address is its usual one. They were read from the metadata service and taken away.
level: high
status: test
tags: [attack.credential-access, attack.t1552.005, attack.t1550.001]
falsepositives:
  - An instance whose elastic address or NAT gateway was changed
reads: [api_activity]
*/
with uses as (
  select time, metadata.uid as uid, actor.user.name as instance, src_endpoint.ip as ip, api.operation as operation, actor.session.issuer as role
  from api_activity
  where regexp_matches(actor.user.name, '^i-[0-9a-f]{8,17}$') and src_endpoint.ip is not null
), by_ip as (
  select instance, ip, role, min(time) as time, max(time) as last, count(*) as calls, list_sort(list(distinct uid))[1:100] as uids, list_sort(list(distinct operation))[1:20] as operations
  from uses group by all
)
select n.time, n.instance as entity, n.uids as event_uids, n.ip, o.ip as usual_ip, n.role, n.operations, n.instance || ' ' || n.ip as key
from by_ip n join by_ip o on o.instance = n.instance and o.ip <> n.ip
-- The usual address was there before and goes on being used: the instance did not move.
where o.time < n.time and o.last >= n.time and o.calls >= 3
  and not starts_with(n.ip, '10.') and not regexp_matches(n.ip, '^(172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.)')
qualify row_number() over (partition by n.instance, n.ip order by o.calls desc) = 1
