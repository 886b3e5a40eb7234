/*
title: AI-07 Untrusted content, then a tool that sends out and was never used before
id: d72ea16f-22ae-5916-a4c3-27c6ace307b2
description: Within one conversation an agent reads what strangers may write (web page, mail, issue), or a guardrail finds an injection in it; within 15 minutes it calls a tool that sends something out and that this application had not called in 14 days.
level: high
status: test
tags: [owasp.llm01, owasp.asi01, atlas.aml.t0051.001, atlas.aml.t0053]
falsepositives:
  - A new feature on its first day
reads: [api_activity, detection_finding]
*/
with tools as (
  select time, metadata.uid as uid, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session, actor.app_name as app, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)) as tool
  from api_activity
  where message_context.ai_role_id = 3 or activity_name in ('tool_call', 'tool_use')
), tainted as (
  select time, uid, session, tool as how from tools where regexp_matches(tool, '(fetch|brows|web_?search|search_web|scrape|crawl|open_url|http_get|read_(e?mail|message|page|url|issue|comment|ticket)|get_(e?mail|message|page|url|issue|comment|ticket)|list_(e?mails|messages|issues|comments))')
  union all
  select time, metadata.uid, coalesce(actor.session.uid, metadata.correlation_uid), finding_info.title from detection_finding
  where (lower(coalesce(policy.type, '')) like '%guardrail%' or policy.type = 'Inference hook' or guardrails is not null
       or list_has_any(finding_info.types, ['guardrail', 'guardrail_intervened', 'jailbreak', 'cross prompt injection', 'PROMPT_ATTACK', 'prompt_attack', 'prompt_injection'])) and list_has_any(finding_info.types, ['PROMPT_ATTACK', 'prompt_attack', 'cross prompt injection', 'prompt_injection', 'indirect prompt injection', 'jailbreak', 'guardrail'])
)
select o.time, coalesce(o.who, o.app) as entity, [t.uid, o.uid] as event_uids, o.session, t.how as tainted_by, o.tool
from tools o join tainted t on t.session = o.session and o.time between t.time + 1 and t.time + 900000
where regexp_matches(o.tool, '(send|post_|publish|upload|reply|forward|create_(issue|comment|pull|gist|page|ticket)|add_comment|webhook|http_(post|request|put)|transfer|share|invite|tweet|notify|push)') and not regexp_matches(o.tool, '(fetch|brows|web_?search|search_web|scrape|crawl|open_url|http_get|read_(e?mail|message|page|url|issue|comment|ticket)|get_(e?mail|message|page|url|issue|comment|ticket)|list_(e?mails|messages|issues|comments))')
  and not exists (from tools p where p.app is not distinct from o.app and p.tool = o.tool and p.time < t.time)
qualify row_number() over (partition by o.session, o.tool order by o.time, t.time desc) = 1
