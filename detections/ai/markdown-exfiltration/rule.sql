/*
title: AI-20 Data carried out in the address of an image or link
id: c9b41e13-36f9-502a-a271-36bf685cf139
description: Arguments of a tool, or a command of an agent, hold a Markdown or HTML image or link whose address carries a long, encoded query or path, to a host that none named before in seven days. Whoever renders it sends the data.
level: high
status: test
tags: [owasp.llm02, owasp.llm05, atlas.aml.t0077, atlas.aml.t0086]
falsepositives:
  - Signed download links of a new store
reads: [api_activity, process_activity]
*/
with said as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session, coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation) as tool, cast(api.request.data as varchar) as text from api_activity
  where api.request.data is not null and (message_context.ai_role_id = 3 or activity_name in ('tool_use', 'tool_call'))
  union all
  select time, metadata.uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), actor.session.uid, process.name, process.cmd_line from process_activity
  where activity_id = 1 and message_context.ai_role_id = 3 and contains(process.cmd_line, '://')
), links as (
  select time, uid, who, session, tool,
         unnest(regexp_extract_all(text, '(?:\]\(|src=\\*["''])(https?://[^)"''\\ ]+)', 1)) as url
  from said
), named as (
  select time, lower(unnest(regexp_extract_all(text, 'https?://([^/"''\\ )?]+)', 1))) as host from said
), hosts as (select host, min(time) as since from named group by host)
select l.time, l.who as entity, [l.uid] as event_uids, l.session, l.tool, l.url
from links l join hosts h on h.host = lower(regexp_extract(l.url, '^https?://([^/?]+)', 1))
where l.time - h.since <= 3600000
  and regexp_matches(l.url, '[?&/=][A-Za-z0-9+/_%=-]{40,}')
qualify row_number() over (partition by l.uid order by length(l.url) desc) = 1
