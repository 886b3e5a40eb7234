/*
title: One session used from two networks
id: b52a6e35-73f1-505c-88cf-8a6520194a65
description: The same web session is used within an hour from two networks (AS numbers) and with two browsers or systems. Cookies travel with a stolen file, not with a person.
level: high
status: test
tags: [attack.credential-access, attack.t1539, attack.t1550.004]
falsepositives:
  - A telephone that changes between mobile network and Wi-Fi keeps its browser and is left out
reads: [authentication, api_activity, entity_management]
*/
with uses as (
  select time, metadata.uid as uid, actor.session.uid as session, actor.user.name as who, src_endpoint.ip as ip, src_endpoint.autonomous_system.number as network, http_request.user_agent as agent from authentication
  union all
  select time, metadata.uid, actor.session.uid, actor.user.name, src_endpoint.ip, src_endpoint.autonomous_system.number, http_request.user_agent from entity_management
  union all
  select time, metadata.uid, actor.session.uid, actor.user.name, src_endpoint.ip, src_endpoint.autonomous_system.number, http_request.user_agent from api_activity
), steps as (
  select *, lag(uid) over w as from_uid, lag(time) over w as from_time, lag(network) over w as from_network, lag(agent) over w as from_agent, lag(ip) over w as from_ip
  from uses where session is not null and network is not null and agent is not null
  window w as (partition by session order by time, uid)
)
select time, who as entity, [from_uid, uid] as event_uids, session, from_ip, ip, from_agent, agent
from steps where from_network <> network and from_agent <> agent and time - from_time <= 3600000
qualify row_number() over (partition by session order by time, uid) = 1
