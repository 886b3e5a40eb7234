/*
title: Admin port opened to the world and reached from outside
id: 24368f4e-50f9-56f6-9b43-0fc3bbe5d87c
description: A security group is opened to everybody on an administration or database port, and within six hours the flow logs show an accepted connection from a public address to that port.
level: high
status: test
tags: [attack.initial-access, attack.t1133, attack.defense-evasion, attack.t1562.007]
falsepositives:
  - A public service on such a port
reads: [api_activity, network_activity]
*/
with opened as (
  select time, metadata.uid as uid, actor.user.name as name, api.operation as operation, cast(api.request.data as varchar) as asked,
         coalesce(json_extract_string(api.request.data, '$.groupId'), '') as group_uid
  from api_activity
  where api.operation in ('AuthorizeSecurityGroupIngress', 'ModifySecurityGroupRules') and status_id = 1
    and regexp_matches(cast(api.request.data as varchar), '(0\.0\.0\.0/0|::/0)')
), ports as (
  select o.*, p.port from opened o, unnest([22, 3389, 5985, 5986, 445, 1433, 3306, 5432, 6379, 27017, 9200, 2375, 6443, 11434]) as p(port)
  where try_cast(regexp_extract(asked, '"[fF]romPort": ?(-?\d+)', 1) as int) <= p.port
    and try_cast(regexp_extract(asked, '"[tT]oPort": ?(-?\d+)', 1) as int) >= p.port
     or contains(asked, '"ipProtocol":"-1"') or contains(asked, '"ipProtocol": "-1"')
), reached as (
  select time, metadata.uid as uid, src_endpoint.ip as ip, dst_endpoint.ip as target, dst_endpoint.port as port
  from network_activity
  where source = 'aws.vpc_flow' and coalesce(action_id, 0) = 1 and dst_endpoint.port is not null and src_endpoint.ip is not null
    and not regexp_matches(src_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe80)')
)
select min(r.time) as time, p.name as entity, list_concat([p.uid], list_sort(list(distinct r.uid))[1:50]) as event_uids, p.port, p.group_uid,
       list_sort(list(distinct r.target)) as targets, list_sort(list(distinct r.ip))[1:20] as from_addresses, p.uid || ' ' || p.port as key
from ports p join reached r on r.port = p.port and r.time between p.time and p.time + 21600000
group by p.name, p.uid, p.port, p.group_uid
