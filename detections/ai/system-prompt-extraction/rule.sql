/*
title: AI-19 Attempts to get the system prompt
id: 35084da5-c74f-549e-b126-5e2c93b62c3c
description: Guardrails report prompt leakage, or a denied topic about internal instructions, at least twice for one user within an hour; or an answer shares at least a fifth of its shingles with the instructions of the same conversation (sealed content).
level: medium
status: test
tags: [owasp.llm07, atlas.aml.t0056]
falsepositives:
  - Questions of users who wonder who they talk to
reads: [detection_finding, api_activity]
*/
with hits as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, coalesce(evidences[1].api.request.uid, metadata.uid) as request, source from detection_finding
  where regexp_matches(lower(array_to_string(finding_info.types, ' ') || ' ' || coalesce(finding_info.analytic.name, '')), '(prompt.?leak|system.?prompt|prompt.?extract|instruction.?leak|internal instruction|llm07|t0056)')
), counted as (
  select *, count(distinct request) over (partition by who order by time range between 3600000 preceding and current row) as requests from hits where who is not null
), edges as (
  select * from counted where requests >= 2
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 3600000, true)
), sealed as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session, source,
         flatten(list_transform(list_filter(content_list, lambda c: c.content_part_id = 3), lambda c: c.shingles)) as answer,
         flatten(list_transform(list_filter(content_list, lambda c: c.content_part_id = 2), lambda c: c.shingles)) as instructions
  from api_activity where content_list is not null
)
select e.time, e.who as entity, list_sort(list(distinct h.uid))[1:100] as event_uids, e.requests || ' attempts' as reason, e.source
from edges e join hits h on h.who = e.who and h.time between e.time - 3600000 and e.time
group by e.time, e.who, e.uid, e.requests, e.source
union all
select a.time, a.who, list_sort(list_distinct([i.uid, a.uid])), 'the answer repeats the instructions', a.source
from sealed a join sealed i on i.session = a.session
where len(a.answer) >= 5 and len(i.instructions) >= 5 and len(list_intersect(a.answer, i.instructions)) >= 0.2 * len(list_distinct(i.instructions))
qualify row_number() over (partition by a.uid order by i.time desc) = 1
