/*
title: Burst of names that do not exist
id: 53b0b01d-b51c-51bf-9137-6ca489e9acd1
description: "One machine asks within ten minutes for 20 names of different domains that do not exist: a program that tries generated names until one answers."
level: medium
status: test
tags: [attack.command-and-control, attack.t1568.002]
falsepositives:
  - A browser that probes for a captive portal asks for three
  - "Mail servers that look up block lists: ask for one domain"
reads: [dns_activity]
*/
with missed as (
  select time, metadata.uid as uid, coalesce(src_endpoint.ip, device.hostname) as src, regexp_extract(lower(rtrim(query.hostname, '.')), '[^.]+\.[^.]+$') as domain
  from dns_activity
  where rcode_id = 3 and contains(query.hostname, '.') and not regexp_matches(lower(query.hostname), '\.(arpa|local|lan|home|internal|corp)\.?$')
), counted as (
  select *, count(distinct domain) over (partition by src order by time range between 600000 preceding and current row) as domains from missed where domain <> ''
), edges as (
  select * from counted where domains >= 20
  qualify coalesce(time - lag(time) over (partition by src order by time, uid) > 600000, true)
)
select e.time, e.src as entity, list_sort(list(distinct m.uid))[1:100] as event_uids, e.domains, list_sort(list(distinct m.domain))[1:20] as examples
from edges e join missed m on m.src = e.src and m.domain <> '' and m.time between e.time - 600000 and e.time
group by e.time, e.src, e.uid, e.domains
