/*
title: AI-16 Agent reads credential files
id: c79a6d1d-a580-502c-9df8-a9c9c1931a3d
description: "A coding agent, or a process below one, reads or names files that hold credentials: cloud keys, SSH keys, tokens of package registries, password stores, `.env`."
level: high
status: test
tags: [owasp.llm02, owasp.asi03, atlas.aml.t0055, atlas.aml.t0083, atlas.aml.t0098, attack.t1552.001]
falsepositives:
  - "Work on such files that was asked for, as `.env.example`, which is left out"
reads: [file_activity, process_activity]
*/
with touched as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, file.path as what, activity_name as how, device.hostname as host from file_activity
  where actor.app_name = 'Claude Code' or regexp_matches(lower(coalesce(actor.process.name, '')), '^(claude|codex|cursor|windsurf|gemini|aider|goose|opencode|copilot)')
  union all
  select time, metadata.uid, coalesce(coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), process.user.name), process.cmd_line, 'command', device.hostname from process_activity
  where activity_id = 1 and coalesce(disposition_id, 1) <> 2 and (actor.app_name = 'Claude Code' or regexp_matches(lower(coalesce(actor.process.name, '') || ' ' || coalesce(actor.process.cmd_line, '')), '(^|[\\/ ])(claude|codex|cursor-agent|windsurf|gemini|aider|goose|opencode)([. "]|$)'))
)
select time, coalesce(who, host) as entity, [uid] as event_uids, how, what, host
from touched
where regexp_matches(lower(replace(what, '\', '/')), '(\.aws/(credentials|config)|\.ssh/(id_|identity|config)|\.azure/|gcloud/(credentials|access_tokens|application_default)|\.kube/config|\.docker/config\.json|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.pgpass|/etc/shadow|login\.keychain|/cookies\.sqlite|login data|\.claude/\.credentials|\.codex/auth|(^|[/ "''=])\.env(\.(local|prod|production|staging|dev))?([ "''|;&)]|$))')
  and not regexp_matches(lower(what), 'ssh-keygen -[lf]|known_hosts|\.pub([ "'']|$)')
