/*
title: AI-23 Admin key or weakened control on an AI platform
id: fe72499e-ad07-54f0-9db9-17a383b9d5bd
description: On an AI platform somebody creates an administrative key from an address that he had not used in 30 days; or single sign-on, provisioning, the IP allow list or a spend limit is removed; or a key is made and a control lowered by the same person within the hour.
level: high
status: test
tags: [owasp.llm10, owasp.asi03, atlas.aml.t0012, attack.t1098.001, attack.t1556]
falsepositives:
  - A change of identity provider
reads: [entity_management]
*/
with acts as (
  select time, metadata.uid as uid, coalesce(actor.user.email_addr, actor.user.name, actor.user.uid) as who, src_endpoint.ip as ip, metadata.event_code as code, activity_name as act, source,
         coalesce(entity.name, entity.uid) as what
  from entity_management
  where source in ('openai.audit_log', 'anthropic.compliance') and coalesce(status_id, 1) = 1
), marked as (
  select *, regexp_matches(code, '(admin_api_key|tenant\.admin_api_key|service_key).*created|^api_key\.created|api_key_created$') as makes_key,
         regexp_matches(code, 'admin') as is_admin_key,
         (act in ('Delete', 'Disable', 'Deactivate', 'Unenroll') and regexp_matches(code, '(sso|scim|ip_allowlist|ip_restriction|ip_access|spend_limit|rate_limit|external_key|session_policy|domain|mfa|two_factor|data_retention|audit|compliance)')) as weakens
  from acts
)
select time, who as entity, [uid] as event_uids, code as reason, ip, what, source from marked where weakens
union all
select k.time, k.who, [k.uid], 'administrative key from a new address', k.ip, k.what, k.source
from marked k
where k.makes_key and k.is_admin_key and k.ip is not null
  and not exists (from acts o where o.who = k.who and o.ip = k.ip and o.time < k.time - 3600000)
  and exists (from acts o where o.who = k.who and o.time < k.time - 86400000)
