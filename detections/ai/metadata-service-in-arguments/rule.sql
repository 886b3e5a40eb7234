/*
title: AI-17 Cloud metadata address in a tool call
id: 7ee3bd18-2d1c-5e04-a851-5be3ef7ad12f
description: A model asks for a tool, or an agent runs a command, with the address of a cloud metadata service in the arguments, also written as a number or through a name that resolves to it.
level: high
status: test
tags: [owasp.llm06, owasp.asi02, owasp.asi03, atlas.aml.t0055, atlas.aml.t0053, attack.t1552.005]
falsepositives:
  - Tests of egress rules
reads: [api_activity, process_activity]
*/
with calls as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, api.operation as tool, lower(cast(api.request.data as varchar)) as arguments, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session from api_activity
  where api.request.data is not null and (message_context.ai_role_id = 3 or activity_name in ('tool_use', 'tool_call', 'tools/call'))
  union all
  select time, metadata.uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), process.name, lower(process.cmd_line), actor.session.uid from process_activity
  where process.cmd_line is not null and activity_id = 1 and message_context.ai_role_id = 3
)
select time, who as entity, [uid] as event_uids, tool, session,
       regexp_extract(arguments, '(169\.254\.169\.254|169\.254\.170\.(2|23)|metadata\.google\.internal|metadata\.azure|100\.100\.100\.200|fd00:ec2::254|0xa9fea9fe|2852039166|0251\.0376\.0251\.0376|169\.254\.169\.254\.nip\.io|instance-data\.ec2)', 1) as target
from calls
where regexp_matches(arguments, '(169\.254\.169\.254|169\.254\.170\.(2|23)([^0-9]|$)|metadata\.google\.internal|metadata\.azure|100\.100\.100\.200|fd00:ec2::254|0xa9fea9fe|2852039166|0251\.0376\.0251\.0376|instance-data\.ec2)')
