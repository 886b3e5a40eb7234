/*
title: Port or host scan from inside
id: f48e6b68-ef4b-51f3-b71d-269208d117c1
description: An inner machine tries 20 different pairs of address and port within five minutes, and four fifths of the tries are refused or unanswered.
level: medium
status: test
tags: [attack.discovery, attack.t1046]
falsepositives:
  - Vulnerability scanners; leave out their addresses
reads: [network_activity]
*/
with tries as (
  select time, metadata.uid as uid, src_endpoint.ip as src, dst_endpoint.ip as dst, dst_endpoint.port as port,
         case when status_id = 2 or coalesce(action_id, 0) = 2 or activity_id in (4, 5) then 1 else 0 end as failed
  from network_activity
  where src_endpoint.ip is not null and dst_endpoint.ip is not null and dst_endpoint.port is not null and regexp_matches(src_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)')
    and coalesce(connection_info.protocol_name, 'tcp') = 'tcp'
    -- Answers to a client have a high port there and a service's port here.
    and (coalesce(src_endpoint.port, 65535) >= 1024 or dst_endpoint.port < 1024)
), counted as (
  select *, count(distinct dst || ':' || port) over w as targets, sum(failed) over w as failures, count(*) over w as n from tries
  window w as (partition by src order by time range between 300000 preceding and current row)
), edges as (
  select * from counted where targets >= 20 and failures >= 0.8 * n
  qualify coalesce(time - lag(time) over (partition by src order by time, uid) > 300000, true)
)
select e.time, e.src as entity, list_sort(list(distinct t.uid))[1:100] as event_uids, e.targets, count(distinct t.dst) as hosts, count(distinct t.port) as ports
from edges e join tries t on t.src = e.src and t.time between e.time - 300000 and e.time
group by e.time, e.src, e.uid, e.targets
