/*
title: AI-24 One model key used by several agents
id: 0951b3cd-cbc5-5018-83b8-904fa98c5e26
description: A long-lived credential that called models with one client for at least three days is used by a second client (tool and network both new). A key belongs to one agent.
level: medium
status: test
tags: [owasp.asi03, atlas.aml.t0012, atlas.aml.t0091.000]
falsepositives:
  - A rebuild of the application on another platform
reads: [api_activity]
*/
with uses as (
  select time, metadata.uid as uid, coalesce(actor.user.credential_uid, api.token.uid, case when starts_with(actor.session.credential_uid, 'AKIA') then actor.session.credential_uid end) as key,
         coalesce(actor.user.name, actor.user.uid, actor.app_name) as name, src_endpoint.ip as ip,
         lower(coalesce(regexp_extract(http_request.user_agent, '^\[?([A-Za-z0-9_.-]+)', 1), ai_agent.uid, actor.app_name)) as agent
  from api_activity
  where ai_model.name is not null
), seen as (
  select *, min(time) over (partition by key) as since, min(time) over (partition by key, agent) as agent_since, min(time) over (partition by key, ip) as ip_since
  from uses where key is not null and agent <> ''
)
select min(time) as time, coalesce(name, key) as entity, list_sort(list(distinct uid))[1:50] as event_uids, key as credential, agent, min(ip) as ip, key || ' ' || agent as key
from seen
where agent_since - since >= 259200000 and (ip is null or ip_since - since >= 259200000) and time - agent_since <= 3600000
group by name, key, agent
