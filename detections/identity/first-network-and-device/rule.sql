/*
title: New network and new device in one sign-in
id: 3b305c61-d078-54b4-8ee1-57767ee7ac4f
description: A person with at least a week of history signs in for the first time from a network (AS number) and with a browser family of which neither was seen for him in 30 days.
level: medium
status: test
tags: [attack.initial-access, attack.t1078.004]
falsepositives:
  - A new laptop that is unpacked at home
reads: [authentication]
*/
with logons as (
  select time, metadata.uid as uid, lower(user.name) as who, src_endpoint.ip as ip, src_endpoint.autonomous_system.number as network, src_endpoint.location.country as country,
         -- Versions change, the name of system and browser does not.
         regexp_replace(http_request.user_agent, '[0-9._]+', '', 'g') as agent
  from authentication
  where activity_id = 1 and status_id = 1 and user.name is not null and src_endpoint.autonomous_system.number is not null and http_request.user_agent is not null
), seen as (
  select *, min(time) over (partition by who) as since, min(time) over (partition by who, network) as network_since, min(time) over (partition by who, agent) as agent_since
  from logons
)
select time, who as entity, [uid] as event_uids, ip, network, country, agent
from seen where time = network_since and time = agent_since and time - since >= 604800000
qualify row_number() over (partition by who, network order by time, uid) = 1
