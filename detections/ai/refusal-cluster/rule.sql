/*
title: AI-29 Cluster of refusals of one kind
id: a490fcb8-9406-537b-991c-c4645305d715
description: "A model refuses one user at least three times in one category within a day, or at least six times in any: somebody works on what models are made to refuse (attacks, weapons, biology)."
level: medium
status: test
tags: [owasp.llm01, atlas.aml.t0054]
falsepositives:
  - Security research; agree on it with the provider
reads: [detection_finding]
*/
with refusals as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, coalesce(list_filter(finding_info.types, lambda t: t <> 'refusal')[1], 'uncategorised') as category, source
  from detection_finding
  where list_has_any(finding_info.types, ['refusal', 'content_filter', 'content_filtered', 'SAFETY', 'safety', 'PROHIBITED_CONTENT'])
    or starts_with(coalesce(finding_info.title, ''), 'Model answer stopped')
), counted as (
  select *, count(*) over (partition by who, category order by time range between 86400000 preceding and current row) as same,
         count(*) over (partition by who order by time range between 86400000 preceding and current row) as total
  from refusals where who is not null
), edges as (
  select * from counted where (same >= 3 and category <> 'uncategorised') or total >= 6
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 86400000, true)
)
select e.time, e.who as entity, list_sort(list(distinct r.uid))[1:100] as event_uids, e.category, e.same, e.total, e.source
from edges e join refusals r on r.who = e.who and r.time between e.time - 86400000 and e.time
group by e.time, e.who, e.uid, e.category, e.same, e.total, e.source
