/*
title: AI-13 Agent runs without permission checks
id: 03413bad-9763-5cbb-ab3f-b4e5248f9587
description: "A coding agent is switched to a mode that asks nobody (`bypassPermissions`), or is started with a flag that does the same, on any machine."
level: high
status: test
tags: [owasp.llm06, owasp.asi03, owasp.asi09, atlas.aml.t0081]
falsepositives:
  - A container made for it, without credentials and network
reads: [authorize_session, process_activity]
*/
select time, coalesce(actor.user.name, user.name) as entity, [metadata.uid] as event_uids, array_to_string(privileges, ', ') as mode, status_detail as how, actor.session.uid as session
from authorize_session
where list_has_any(privileges, ['bypassPermissions', 'dontAsk', 'bypass_permissions', 'yolo', 'danger-full-access', 'never'])
union all
select time, coalesce(process.user.name, actor.user.name, device.hostname), [metadata.uid], regexp_extract(process.cmd_line, '(--[a-z-]*(skip-permissions|bypass|yolo|allow-all|full-auto|trust-all|auto-approve)[a-z-]*|--permission-mode[= ]bypassPermissions|--approval-policy[= ]never|--approval-mode[= ]yolo)', 1), process.cmd_line, actor.session.uid
from process_activity
where activity_id = 1 and regexp_matches(lower(process.cmd_line), '(^|[\\/ "])(claude|codex|gemini|cursor-agent|copilot|aider|goose|opencode|amp|droid|qwen|q)([. "]|$)')
  and regexp_matches(process.cmd_line, '(--dangerously-skip-permissions|--dangerously-bypass-approvals-and-sandbox|--yolo|--allow-all-tools|--allow-dangerously-skip-permissions|--permission-mode[= ]bypassPermissions|--approval-policy[= ]never|--approval-mode[= ]yolo|--full-auto|--trust-all-tools|--auto-approve|--skip-permissions-unsafe)')
