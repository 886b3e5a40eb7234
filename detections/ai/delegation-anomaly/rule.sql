/*
title: AI-27 New delegation path of an AI workload
id: 299fe41c-d570-5fdb-9811-32717b329e67
description: "An AI workload gets rights on behalf of another by a path not seen in 30 days: a token of a new issuer, a role assumed by the role of an agent for the first time, or (where delegations are logged) a scope that its parent did not have, or a delegation that had expired."
level: medium
status: test
tags: [owasp.asi03, owasp.asi07, atlas.aml.t0012, attack.t1550.001, attack.t1134]
falsepositives:
  - A new integration
reads: [authentication, api_activity]
*/
with edges as (
  -- Workload tokens: whoever vouches, for whom.
  select time, metadata.uid as uid, coalesce(actor.idp.uid, actor.idp.name, actor.user.uid, actor.user.name) as delegator, coalesce(service.name, user.name) as delegate, source
  from authentication
  where metadata.event_code in ('tenant.workload_identity.access_token.issued', 'ccr_agent_proxy_anthropic_oidc_token_exchanged', 'ccr_agent_proxy_anthropic_oidc_token_minted', 'mcp_server_managed_auth_token_exchanged', 'platform_federated_authentication')
    and coalesce(status_id, 1) = 1
  union all
  -- A role of an agent takes another role.
  select time, metadata.uid, actor.session.issuer, user.uid, source
  from authentication
  where api.operation = 'AssumeRole' and status_id = 1 and regexp_matches(lower(actor.session.issuer), '(bedrock|agentcore|agent|llm|genai|assistant)')
), firsts as (
  select source, delegator, delegate, min(time) as time, min_by(uid, time) as uid from edges where delegator is not null and delegate is not null group by all
), known as (select source, min(time) as since from authentication group by source),
delegations as (
  select time, metadata.uid as uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, delegation.uid as id, delegation.parent_uid as parent, delegation.scopes as scopes, delegation.expiration_time as expires, source from api_activity where delegation.uid is not null
)
select f.time, f.delegator as entity, [f.uid] as event_uids, 'new path' as reason, f.delegate, f.source
from firsts f join known k using (source) where f.time - k.since >= 86400000
union all
select c.time, c.who, list_distinct([p.uid, c.uid]), 'scope beyond the parent', array_to_string(list_filter(c.scopes, lambda s: not list_contains(p.scopes, s)), ' '), c.source
from delegations c join delegations p on p.id = c.parent and p.time <= c.time
where len(list_filter(c.scopes, lambda s: not list_contains(p.scopes, s))) > 0
qualify row_number() over (partition by c.id order by c.time, p.time desc) = 1
union all
select time, who, [uid], 'expired delegation', id, source from delegations where expires < time
