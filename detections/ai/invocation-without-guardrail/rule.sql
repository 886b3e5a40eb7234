/*
title: AI-03 Model called without the guardrail that is usual for it
id: 5088ffe3-ff29-5c32-9602-4438b6b0f1e5
description: In an account and region whose calls of a model carried a guardrail at least five times, a principal calls the same model without one for the first time.
level: medium
status: test
tags: [owasp.llm01, atlas.aml.t0051, attack.t1562.001]
falsepositives:
  - A new application that has a guardrail of its own elsewhere
reads: [api_activity]
*/
with calls as (
  select time, metadata.uid as uid, cloud.account.uid as account, cloud.region as region, ai_model.name as model, coalesce(actor.session.issuer, actor.user.name) as who, policy.uid as guardrail
  from api_activity
  -- InvokeModel names its guardrail in a header that is not logged; Converse names it in the body.
  where source = 'aws.bedrock_invocation' and activity_name in ('Converse', 'ConverseStream') and status_id = 1
), guarded as (
  select account, region, model, list_sort(list(time))[5] as since from calls where guardrail is not null group by all having count(*) >= 5
)
select min(c.time) as time, c.who as entity, list_sort(list(c.uid))[1:50] as event_uids, c.model, c.account, c.region,
       concat_ws(' ', c.who, c.model, c.account, c.region) as key
from calls c join guarded g on g.account = c.account and g.region is not distinct from c.region and g.model = c.model
where c.guardrail is null and c.time > g.since
  and not exists (from calls o where o.who = c.who and o.model = c.model and o.guardrail is null and o.time <= g.since)
group by c.who, c.model, c.account, c.region
