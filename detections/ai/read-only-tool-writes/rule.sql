/*
title: AI-12 Tool that claims to read causes a write
id: 22e2e55e-7a42-51c9-89f2-66a39e8bb873
description: "Below the span of a tool that declares itself read-only (hint, or a name that begins with get, list, read, search) a write, update or delete happens: in a database, or by another tool whose name says so."
level: high
status: test
tags: [owasp.llm06, owasp.asi02, atlas.aml.t0099, atlas.aml.t0053]
falsepositives:
  - A cache or audit record that a reader writes
reads: [api_activity, datastore_activity]
*/
with hints as (
  -- What servers declare in their lists of tools; the latest word counts.
  select lower(ai_tool.name) as tool, max_by(ai_tool.is_readonly, time) as reads_only from api_activity where ai_tool.is_readonly is not null group by all
), tools as (
  select time, metadata.uid as uid, trace.uid as trace, trace.span.uid as span, trace.span.parent_uid as parent, lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)) as tool, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who,
         coalesce(ai_tool.is_readonly, h.reads_only, regexp_matches(lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)), '^(get|list|read|search|find|fetch|describe|lookup|query|show|view)([_.-]|$)')) as reads_only
  from api_activity left join hints h on h.tool = lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation))
  where trace.span.uid is not null and (activity_name = 'execute_tool' or metadata.event_code = 'tools/call' or activity_name = 'Read')
), writes as (
  -- The class has no `trace`: the span is the event's own id, its parent stands in `unmapped`; span ids are random and unique enough.
  select time, metadata.uid as uid, null as trace, metadata.original_event_uid as span, json_extract_string(unmapped, '$.parentSpanId') as parent,
         activity_name || ' ' || coalesce(database.name, '') as what
  from datastore_activity where activity_id in (2, 3, 5, 8, 9) or activity_name in ('Write', 'Update', 'Delete', 'Create')
  union all
  select time, uid, trace, span, parent, 'tool ' || tool from tools
  where not reads_only and regexp_matches(tool, '^(write|create|update|delete|remove|insert|upsert|drop|send|post|put|set|execute|transfer)')
)
select w.time, coalesce(r.who, r.tool) as entity, [r.uid, w.uid] as event_uids, r.tool, w.what
from writes w
left join tools m on m.span = w.parent and coalesce(w.trace, m.trace) = m.trace
-- Directly below the tool, or one span further.
join tools r on coalesce(w.trace, r.trace) = r.trace and r.reads_only and r.uid <> w.uid and (r.span = w.parent or r.span = m.parent)
qualify row_number() over (partition by w.uid order by r.time desc) = 1
