/*
title: AI-08 Untrusted content, private data and a way out in one session
id: 81f06f45-0a31-5946-966b-31b700fc9302
description: In one conversation an agent reads what strangers may write, then private data, then calls a tool that sends to the outside, in this order and within an hour. Each step alone is its work.
level: critical
status: test
tags: [owasp.llm01, owasp.llm06, owasp.asi02, atlas.aml.t0086, atlas.aml.t0051.001]
falsepositives:
  - An agent that is meant to answer mail from a customer file; give it approval by a person and leave it out
reads: [api_activity]
*/
with tools as (
  select time, metadata.uid as uid, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)) as tool
  from api_activity
  where message_context.ai_role_id = 3 or activity_name in ('tool_call', 'tool_use')
)
select o.time, o.who as entity, [u.uid, s.uid, o.uid] as event_uids, o.session, u.tool as untrusted, s.tool as private, o.tool as outward
from tools u
join tools s on s.session = u.session and s.time > u.time and s.time <= u.time + 3600000
join tools o on o.session = s.session and o.time > s.time and o.time <= u.time + 3600000
where regexp_matches(u.tool, '(fetch|brows|web_?search|search_web|scrape|crawl|open_url|http_get|read_(e?mail|message|page|url|issue|comment|ticket)|get_(e?mail|message|page|url|issue|comment|ticket)|list_(e?mails|messages|issues|comments))') and regexp_matches(s.tool, '(secret|vault|password|credential|sql|query_(db|database)|get_(customer|user|account|patient|employee|invoice|salary|file)|read_file|search_(drive|files|documents|customers|mail)|list_(customers|accounts|files)|payroll|crm|export)') and not regexp_matches(s.tool, '(fetch|brows|web_?search|search_web|scrape|crawl|open_url|http_get|read_(e?mail|message|page|url|issue|comment|ticket)|get_(e?mail|message|page|url|issue|comment|ticket)|list_(e?mails|messages|issues|comments))')
  and regexp_matches(o.tool, '(send|post_|publish|upload|reply|forward|create_(issue|comment|pull|gist|page|ticket)|add_comment|webhook|http_(post|request|put)|transfer|share|invite|tweet|notify|push)') and not regexp_matches(o.tool, '(fetch|brows|web_?search|search_web|scrape|crawl|open_url|http_get|read_(e?mail|message|page|url|issue|comment|ticket)|get_(e?mail|message|page|url|issue|comment|ticket)|list_(e?mails|messages|issues|comments))')
qualify row_number() over (partition by o.session order by o.time, s.time desc, u.time desc) = 1
