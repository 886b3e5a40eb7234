/*
title: Large upload to an address never seen before
id: 37490887-bf92-5cac-8f4a-98947e803cc7
description: A machine sends 500 MB or more within an hour to a public address that nobody had talked to in the lookback of 14 days, and receives less than a tenth of that.
level: high
status: test
tags: [attack.exfiltration, attack.t1048, attack.t1567]
falsepositives:
  - A first backup to a new provider
reads: [network_activity]
*/
with talk as (
  select time, metadata.uid as uid, src_endpoint.ip as src, dst_endpoint.ip as dst, coalesce(traffic.bytes_out, traffic.bytes, 0) as sent, coalesce(traffic.bytes_in, 0) as received
  from network_activity
  where src_endpoint.ip is not null and dst_endpoint.ip is not null and regexp_matches(src_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)') and not regexp_matches(dst_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)')
), firsts as (select dst, min(time) as since from talk group by dst),
begun as (select min(time) as since from talk),
counted as (
  select t.*, f.since as dst_since, sum(t.sent) over w as out_bytes, sum(t.received) over w as in_bytes
  from talk t join firsts f using (dst)
  window w as (partition by t.src, t.dst order by t.time range between 3600000 preceding and current row)
), edges as (
  select c.* from counted c, begun b
  where out_bytes >= 500000000 and in_bytes * 10 < out_bytes and c.time - c.dst_since <= 86400000 and c.dst_since - b.since >= 86400000
  qualify coalesce(c.time - lag(c.time) over (partition by src, dst order by c.time, uid) > 3600000, true)
)
select e.time, e.src as entity, list_sort(list(distinct t.uid))[1:100] as event_uids, e.dst, e.out_bytes as bytes
from edges e join talk t on t.src = e.src and t.dst = e.dst and t.time between e.time - 3600000 and e.time
group by e.time, e.src, e.uid, e.dst, e.out_bytes
