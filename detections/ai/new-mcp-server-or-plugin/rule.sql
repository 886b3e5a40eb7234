/*
title: AI-10 MCP server or plugin seen for the first time
id: 507157e8-48dc-5f2f-a756-5551803b55e9
description: An MCP server, plugin or skill is connected, installed or set up that the organisation has not had in 30 days, on a source with at least a day of history.
level: medium
status: test
tags: [owasp.llm03, owasp.asi04, atlas.aml.t0010.005, atlas.aml.t0011.002]
falsepositives:
  - Everything new is new once; approve it and go on
reads: [application_lifecycle, entity_management]
*/
with things as (
  select time, metadata.uid as uid, metadata.tenant_uid as org, app.name as name, coalesce(actor.user.email_addr, actor.user.name) as who, metadata.event_code as how, status_detail as detail, source
  from application_lifecycle
  where metadata.event_code in ('mcp_server_connection', 'plugin_installed', 'plugin_loaded', 'skill_activated', 'hook_registered') and app.name is not null
  union all
  select time, metadata.uid, metadata.tenant_uid, coalesce(entity.name, entity.uid), coalesce(actor.user.email_addr, actor.user.name), metadata.event_code, cast(entity.data as varchar), source
  from entity_management
  where activity_id = 1 and regexp_matches(metadata.event_code, '(mcp_server|plugin|skill|extension|integration|tunnel|marketplace|CopilotPlugin)')
), firsts as (
  select source, org, name, min(time) as time, min_by(uid, time) as uid, min_by(who, time) as who, min_by(how, time) as how, min_by(detail, time) as detail from things where name is not null group by all
), known as (select source, org, min(time) as since from things group by all)
select f.time, coalesce(f.who, f.name) as entity, [f.uid] as event_uids, f.name, f.how, f.detail
from firsts f join known k on k.source = f.source and k.org is not distinct from f.org
where f.time - k.since >= 86400000
