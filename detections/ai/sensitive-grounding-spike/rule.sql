/*
title: AI-26 Copilot answers from unusually many labelled files
id: 0c2b2ac1-89af-568f-9c75-19434d1aad66
description: Copilot uses at least ten different resources with a sensitivity label for one user within an hour, and at least three times as many as in any earlier hour of that user.
level: medium
status: test
tags: [owasp.llm02, atlas.aml.t0085, attack.t1213]
falsepositives:
  - A person who prepares a review
reads: [api_activity]
*/
with uses as (
  select time, metadata.uid as uid, actor.user.name as who, src_endpoint.ip as ip, unnest(list_filter(resources, lambda r: len(list_filter(r.labels, lambda l: l is not null)) > 0)) as r
  from api_activity where source = 'microsoft.m365_copilot' and actor.user.name is not null
), counted as (
  select time, uid, who, ip, r.uid as resource, r.name as name, r.labels as labels, count(distinct coalesce(r.uid, r.name)) over (partition by who order by time range between 3600000 preceding and current row) as n from uses
), compared as (
  select *, max(n) over (partition by who order by time range between unbounded preceding and 3600001 preceding) as usual from counted
), edges as (
  select * from compared where n >= 10 and n >= 3 * coalesce(usual, 0)
  qualify coalesce(time - lag(time) over (partition by who order by time, uid, resource) > 3600000, true)
)
select e.time, e.who as entity, list_sort(list(distinct c.uid))[1:100] as event_uids, e.n as resources, list_sort(list(distinct c.name))[1:20] as names, e.ip
from edges e join counted c on c.who = e.who and c.time between e.time - 3600000 and e.time
group by e.time, e.who, e.n, e.ip
