/*
title: AI-28 Agents call agents without end, or an unknown agent appears
id: 55dcd1f2-c63c-5aad-84d0-ae15d4ae342e
description: In one trace more than ten agents are invoked or they nest four deep; or an application with a day of history invokes an agent by a name that it had not in 14 days.
level: medium
status: test
tags: [owasp.asi08, owasp.asi10, atlas.aml.t0103]
falsepositives:
  - Research agents that work in parallel by design; raise the number for them
reads: [api_activity]
*/
with recursive spans as (
  select time, metadata.uid as uid, trace.uid as trace, trace.span.uid as span, trace.span.parent_uid as parent, activity_name = 'invoke_agent' as is_agent,
         coalesce(ai_agent.name, list_filter(resources, lambda r: r.type = 'agent' and coalesce(r.role_id, 1) = 1)[1].name, message_context.application.name) as agent, actor.app_name as app, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who
  from api_activity where trace.uid is not null
), crowded as (
  select trace, count(*) filter (is_agent) as agents from spans group by trace having count(*) filter (is_agent) >= 4
), climb as (
  -- From each agent up to the root, counting the agents on the way.
  select s.trace, s.uid as leaf, s.time, s.parent, 1 as depth, 1 as steps from spans s join crowded c using (trace) where s.is_agent
  union all
  select c.trace, c.leaf, c.time, p.parent, c.depth + case when p.is_agent then 1 else 0 end, c.steps + 1
  from climb c join spans p on p.trace = c.trace and p.span = c.parent where c.steps < 60
), deepest as (
  select trace, max(depth) as depth from climb group by trace
), firsts as (
  select app, agent, min(time) as time, min_by(uid, time) as uid, min_by(who, time) as who from spans where is_agent and agent is not null group by all
), known as (select app, min(time) as since from spans group by app)
select max(s.time) as time, any_value(coalesce(s.who, s.app)) as entity, list_sort(list(s.uid) filter (s.is_agent))[1:100] as event_uids, 'fan-out' as reason, c.agents, d.depth, s.trace as key
from spans s join crowded c using (trace) join deepest d using (trace)
where c.agents > 10 or d.depth >= 4
group by s.trace, c.agents, d.depth
union all
select f.time, coalesce(f.who, f.app), [f.uid], 'unknown agent ' || f.agent, 1, 1, concat_ws('/', f.app, f.agent)
from firsts f join known k on k.app is not distinct from f.app
where f.time - k.since >= 86400000
