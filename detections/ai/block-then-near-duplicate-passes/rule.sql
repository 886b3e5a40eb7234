/*
title: AI-02 Blocked prompt retried until it passes
id: fbe122ba-f2e9-54a5-8322-56d13e391608
description: "After at least two blocked requests of a user to a model, one of nearly the same length (10 %) to the same model passes within 15 minutes. Where the lake has sealed content, half of the shingles must be the same instead."
level: high
status: test
tags: [owasp.llm01, atlas.aml.t0054, atlas.aml.t0068]
falsepositives:
  - A user who takes the offending word out, which is what he should do
reads: [api_activity]
*/
with calls as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, ai_model.name as model, disposition_id = 2 as blocked, coalesce(status_id, 0) = 1 and coalesce(disposition_id, 1) <> 2 as passed,
         message_context.prompt_tokens as tokens,
         flatten(list_transform(list_filter(content_list, lambda c: c.content_part_id = 1), lambda c: c.shingles)) as shingles
  from api_activity
  where ai_model.name is not null and message_context.prompt_tokens > 0 and activity_name not in ('tool_use', 'tool_call')
)
select p.time, p.who as entity, list_concat(list_sort(list(distinct b.uid))[1:50], [p.uid]) as event_uids, count(distinct b.uid) as blocked, p.model, p.tokens
from calls p
join calls b on b.who = p.who and b.model = p.model and b.blocked and b.time between p.time - 900000 and p.time - 1
  and case when len(b.shingles) > 0 and len(p.shingles) > 0 then 2 * len(list_intersect(b.shingles, p.shingles)) >= len(list_distinct(p.shingles))
           else abs(b.tokens - p.tokens) <= 0.1 * p.tokens end
where p.passed
  -- The first that passes ends the series.
  and not exists (from calls o where o.who = p.who and o.model = p.model and o.passed and o.time < p.time and o.time > b.time and abs(o.tokens - p.tokens) <= 0.1 * p.tokens)
group by p.time, p.who, p.uid, p.model, p.tokens
having count(distinct b.uid) >= 2
