/*
title: "Beacon: connections in an even rhythm to a rare address"
id: b3c4bfb3-5b9e-597a-ae31-f400753a8104
description: "A machine connects to one public address and port at least twelve times with nearly equal pauses (deviation at most 15 % of the mean, mean from 5 seconds to 2 hours), sends nearly equal amounts, and at most two machines talk to that address."
level: medium
status: test
tags: [attack.command-and-control, attack.t1071, attack.t1573]
falsepositives:
  - Monitoring agents and clocks of rare products
reads: [network_activity]
*/
with talk as (
  select time, metadata.uid as uid, src_endpoint.ip as src, dst_endpoint.ip as dst, dst_endpoint.port as port, coalesce(traffic.bytes_out, traffic.bytes, 0) as sent
  from network_activity
  where src_endpoint.ip is not null and dst_endpoint.ip is not null and dst_endpoint.port is not null and coalesce(status_id, 1) <> 2
    and regexp_matches(src_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)') and not regexp_matches(dst_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)')
), rare as (
  select dst from talk group by dst having count(distinct src) <= 2
), gaps as (
  select *, (time - lag(time) over (partition by src, dst, port order by time, uid)) / 1000.0 as gap from talk semi join rare using (dst)
)
select max(time) as time, src as entity, list_sort(list(uid))[1:100] as event_uids, dst, port, count(*) as connections, round(avg(gap), 1) as mean_seconds, round(stddev_samp(gap) / avg(gap), 3) as deviation,
       src || ' ' || dst || ' ' || port || ' ' || max(time) // 86400000 as key
from gaps
group by src, dst, port
having count(*) >= 12 and avg(gap) between 5 and 7200 and stddev_samp(gap) <= 0.15 * avg(gap)
   and coalesce(stddev_samp(sent), 0) <= 0.5 * greatest(avg(sent), 1)
