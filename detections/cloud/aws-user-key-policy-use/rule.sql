/*
title: User made, armed and used from elsewhere within an hour
id: 1375cbd1-b026-5507-8f79-aace129806cf
description: Within one hour an IAM user is created, given an access key, and that user calls AWS from an address from which the creator did not come. It is a back door, put up and tried.
level: critical
status: test
tags: [attack.persistence, attack.t1136.003, attack.t1098.001]
falsepositives:
  - An administrator who sets up a user for a colleague who tries at once; the address then is a known one
reads: [account_change, api_activity]
*/
with made as (
  select time, metadata.uid as uid, user.name as target, actor.user.name as name, src_endpoint.ip as ip
  from account_change where api.operation = 'CreateUser' and status_id = 1
), keyed as (
  select time, metadata.uid as uid, user.name as target from account_change
  where api.operation in ('CreateAccessKey', 'CreateLoginProfile') and status_id = 1
)
select min(u.time) as time, m.name as entity, [m.uid, k.uid, min_by(u.metadata.uid, u.time)] as event_uids, m.target, m.ip as made_from, min_by(u.src_endpoint.ip, u.time) as used_from, k.uid as key
from made m
join keyed k on k.target = m.target and k.time between m.time and m.time + 3600000
join api_activity u on u.actor.user.name = m.target and u.time between k.time and m.time + 3600000
where u.src_endpoint.ip is distinct from m.ip and u.src_endpoint.ip is not null
group by m.name, m.uid, k.uid, m.target, m.ip
