/*
title: AI-18 Secret in a prompt, an answer or tool arguments
id: 24e81010-da1a-55c8-a0d5-2071e8e926a6
description: A guardrail or detector finds a credential (cloud key, password, token) in what goes to or comes from a model, or the arguments of a requested tool hold something with the form of one.
level: high
status: test
tags: [owasp.llm02, atlas.aml.t0057, attack.t1552]
falsepositives:
  - Documentation with example keys
reads: [detection_finding, data_security_finding, api_activity]
*/
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as entity, [metadata.uid] as event_uids, array_to_string(finding_info.types, ', ') as kinds, disposition, source
from detection_finding
where regexp_matches(lower(array_to_string(finding_info.types, ' ')), '(aws_(access|secret)_key|password|api.?key|secret|credential|private.?key|(^| )pin( |$)|token)')
  and not list_has_any(finding_info.types, ['security.breached_credential.detected']) and not starts_with(source, 'okta.')
union all
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), [metadata.uid], array_to_string(finding_info.types, ', '), disposition, source
from data_security_finding
where regexp_matches(lower(array_to_string(finding_info.types, ' ')), '(aws_(access|secret)_key|password|api.?key|secret|credential|private.?key|token)')
union all
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), [metadata.uid], coalesce('in the arguments of ' || coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation), 'in the arguments'), disposition, source
from api_activity
where (message_context.ai_role_id = 3 or activity_name in ('tool_use', 'tool_call')) and api.request.data is not null
  and regexp_matches(cast(api.request.data as varchar), '((AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40}|sk-(ant-|proj-)?[A-Za-z0-9_-]{32}|xox[abprs]-[0-9A-Za-z-]{20}|AIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY|eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.)')
union all
-- What the sealing of content has recognised; the texts themselves are not kept.
select time, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), [metadata.uid], array_to_string(list_sort(list_distinct(list_filter(flatten(list_transform(content_list, lambda c: c.sensitive_classes)), lambda s: regexp_matches(s, '(_key|_token|^jwt|password)$|^jwt$')))), ', '), disposition, source
from api_activity
where len(list_filter(flatten(list_transform(content_list, lambda c: c.sensitive_classes)), lambda s: regexp_matches(s, '(_key|_token|^jwt|password)$|^jwt$'))) > 0
