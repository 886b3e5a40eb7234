/*
title: "DNS tunnel: many long names under one domain"
id: 54dc9a41-8756-5338-85d0-dc0a56848c37
description: "Within ten minutes one machine asks for at least 20 different names under one domain whose labels are 25 characters or longer on average: data in names."
level: high
status: test
tags: [attack.command-and-control, attack.t1071.004, attack.exfiltration, attack.t1048.003]
falsepositives:
  - Reputation services of security products and some content networks; leave out their domains
reads: [dns_activity]
*/
with asked as (
  select time, metadata.uid as uid, coalesce(src_endpoint.ip, device.hostname) as src, lower(rtrim(query.hostname, '.')) as name,
         regexp_extract(lower(rtrim(query.hostname, '.')), '[^.]+\.[^.]+$') as domain
  from dns_activity where query.hostname is not null
), parts as (
  select *, left(name, length(name) - length(domain) - 1) as prefix from asked where domain <> '' and length(name) > length(domain) + 1
    and not regexp_matches(domain, '\.(arpa|local)$')
), counted as (
  select *, count(distinct prefix) over w as names, avg(length(prefix)) over w as mean_length from parts
  window w as (partition by src, domain order by time range between 600000 preceding and current row)
), edges as (
  select * from counted where names >= 20 and mean_length >= 25
  qualify coalesce(time - lag(time) over (partition by src, domain order by time, uid) > 600000, true)
)
select e.time, e.src as entity, list_sort(list(distinct p.uid))[1:100] as event_uids, e.domain, e.names, round(e.mean_length) as mean_length
from edges e join parts p on p.src = e.src and p.domain = e.domain and p.time between e.time - 600000 and e.time
group by e.time, e.src, e.uid, e.domain, e.names, e.mean_length
