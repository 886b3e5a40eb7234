/*
title: "AI-30 Destructive action of an agent without a person's approval"
id: 4fdfd51e-0989-5408-abbf-d4938a4ea8bb
description: An agent runs a command or tool that destroys or moves what cannot be had back (deletes, drops, force pushes, destroys infrastructure, transfers money) and no person approved this very call.
level: high
status: test
tags: [owasp.llm06, owasp.asi02, atlas.aml.t0101, atlas.aml.t0053, attack.t1485]
falsepositives:
  - Clean-up of what the agent made itself, in a scratch place
reads: [process_activity, api_activity]
*/
with calls as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, actor.session.uid as session, process.uid as call, process.cmd_line as what, disposition_id as how, 'command' as kind
  from process_activity where activity_id = 1 and message_context.ai_role_id = 3 and process.cmd_line is not null
  union all
  select time, metadata.uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid), api.request.uid, coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation), disposition_id, 'tool'
  from api_activity
  where message_context.ai_role_id = 3 and coalesce(status_id, 1) <> 2 and activity_name not in ('tool_call', 'tool_use', 'Read')
), approved as (
  select call from calls where how = 8 and call is not null
)
select time, who as entity, [uid] as event_uids, kind, what, session
from calls c
where coalesce(how, 1) not in (2, 8) and (call is null or call not in (from approved))
  and (case when kind = 'command' then
      regexp_matches(lower(what), '(rm +(-[a-z]*r[a-z]* +-?[a-z]*f?|-[a-z]*f[a-z]*r|--recursive)|git +push +.*(--force([^-]|$)| -f( |$)|--delete|--mirror)|git +reset +--hard|terraform +(destroy|apply.*-auto-approve)|pulumi +destroy|kubectl +delete|helm +(uninstall|delete)|drop +(database|table|schema)|truncate +table|delete +from +[a-z_.]+ *(;|"|$)|mkfs|dd +if=.* of=/dev/|aws +[a-z0-9-]+ +(delete|terminate|remove)|gcloud +.* +delete|az +.* +delete|docker +(system|volume) +prune|shred +|format +[a-z]:|remove-item .*-recurse|del +/[sfq])')
      and not regexp_matches(lower(what), 'rm +-[rf]+ +(\./)?(node_modules|dist|build|target|\.cache|__pycache__|/tmp/|tmp/|\.pytest_cache|coverage)')
    else regexp_matches(lower(what), '(^|[_.-])(delete|drop|destroy|remove|purge|wipe|terminate|truncate|transfer|pay|refund|cancel|revoke|deactivate|shutdown|merge|deploy)([_.-]|$)') end)
