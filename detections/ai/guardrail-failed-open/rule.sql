/*
title: AI-04 Guardrail did not answer and the request went through
id: 1bab5048-f52c-587b-98e0-18490ac6e6dc
description: A guardrail fails, times out or is skipped, and the request it should have judged succeeds all the same.
level: high
status: test
tags: [owasp.llm01, atlas.aml.t0051, attack.t1562.001]
falsepositives:
  - A guardrail that only watches
reads: [detection_finding, api_activity]
*/
-- The source says so itself.
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as entity, [metadata.uid] as event_uids, finding_info.title as reason, source
from detection_finding
where list_has_any(finding_info.types, ['inference_hooks_request_failed_open', 'inference_hooks_circuit_breaker_tripped'])
union all
-- The verdict is Error or Not Run, the call succeeded.
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), [metadata.uid], 'guardrail ' || coalesce(list_filter(guardrails, lambda g: g.guard_verdict_id in (6, 7))[1].name, '') || ' gave no verdict', source
from api_activity
where status_id = 1 and len(list_filter(guardrails, lambda g: g.guard_verdict_id in (6, 7))) > 0 and activity_name <> 'run_guardrail'
union all
-- A guardrail's span fails; the model is called in the same trace within two minutes.
select c.time, coalesce(c.actor.user.name, c.actor.app_name), [g.metadata.uid, c.metadata.uid], 'guardrail ' || coalesce(g.policy.name, g.api.operation) || ' failed', c.source
from api_activity g
join api_activity c on c.trace.uid = g.trace.uid and c.time between g.time and g.time + 120000
where g.activity_name = 'run_guardrail' and g.status_id = 2 and coalesce(g.disposition_id, 0) not in (2, 5) and c.activity_name in ('chat', 'generate_content', 'text_completion') and c.status_id = 1
qualify row_number() over (partition by g.metadata.uid order by c.time, c.metadata.uid) = 1
