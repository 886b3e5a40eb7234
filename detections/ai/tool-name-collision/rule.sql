/*
title: AI-11 One tool name on two servers
id: aa615b29-b3ae-574b-9232-ff2a8e686083
description: Within a week one application calls, or is offered, a tool of the same name on two MCP servers. A second server that offers a known name gets the calls meant for the first.
level: medium
status: test
tags: [owasp.llm03, owasp.asi04, atlas.aml.t0110]
falsepositives:
  - Two instances of one server (staging and production)
reads: [api_activity]
*/
with calls as (
  select time, metadata.uid as uid, coalesce(actor.app_name, actor.app_uid) as app, lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)) as tool, lower(coalesce(ai_tool.service.name, list_filter(resources, lambda r: r.type = 'mcp_server')[1].name, api.service.name)) as server, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who
  from api_activity
  where (coalesce(metadata.event_code, '') = 'tools/call' or len(list_filter(resources, lambda r: r.type = 'mcp_server')) > 0 or ai_tool.source_id = 1)
), firsts as (
  select app, tool, server, min(time) as time, min_by(uid, time) as uid, min_by(who, time) as who from calls where tool is not null and server is not null and not contains(tool, '/') group by all
), ordered as (
  select *, lag(uid) over w as before_uid, lag(server) over w as before_server from firsts window w as (partition by app, tool order by time, uid)
)
select time, coalesce(who, app) as entity, [before_uid, uid] as event_uids, app, tool, before_server, server from ordered where before_uid is not null
