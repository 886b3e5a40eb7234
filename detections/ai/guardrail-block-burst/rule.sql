/*
title: AI-01 Burst of blocked prompts by one user
id: 0cf2c6fb-ce88-5872-9988-0739bd26cf53
description: Guardrails block at least five requests of one user, session or application within ten minutes. One blocked prompt is an accident; five are somebody who looks for the hole.
level: medium
status: test
tags: [owasp.llm01, atlas.aml.t0051, atlas.aml.t0054]
falsepositives:
  - A test of the guardrail
  - A batch of documents about a denied topic
reads: [detection_finding]
*/
with blocks as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, source,
         coalesce(evidences[1].api.request.uid, metadata.correlation_uid, finding_info.uid) as request, finding_info.types as types
  from detection_finding
  where disposition_id = 2 and (lower(coalesce(policy.type, '')) like '%guardrail%' or policy.type = 'Inference hook' or guardrails is not null
       or list_has_any(finding_info.types, ['guardrail', 'guardrail_intervened', 'jailbreak', 'cross prompt injection', 'PROMPT_ATTACK', 'prompt_attack', 'prompt_injection']))
), counted as (
  -- One request may break several policies; it counts once.
  select *, count(distinct request) over (partition by who order by time range between 600000 preceding and current row) as requests
  from blocks where who is not null
), edges as (
  select * from counted where requests >= 5
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 600000, true)
)
select e.time, e.who as entity, list_sort(list(distinct b.uid))[1:100] as event_uids, e.requests, list_sort(list_distinct(flatten(list(b.types)))) as policies, e.source
from edges e join blocks b on b.who = e.who and b.time between e.time - 600000 and e.time
group by e.time, e.who, e.uid, e.requests, e.source
