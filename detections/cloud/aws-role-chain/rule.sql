/*
title: Chain of three assumed roles
id: a956b3c7-20af-5fd2-8052-1b7287cc7779
description: A session that was got by assuming a role assumes another, and that one a third, within two hours. AWS calls this role chaining; two hops are usual in some landing zones, three are how one walks from a build role to production.
level: medium
status: test
tags: [attack.lateral-movement, attack.t1550.001, attack.t1548.005]
falsepositives:
  - A deployment through a hub account; raise the depth in that case
reads: [authentication]
*/
with recursive hops as (
  select time, metadata.uid as uid, actor.session.credential_uid as used, session.credential_uid as got, user.name as role,
         actor.user.name as name, actor.user.uid as who, coalesce(cloud.account.uid, '') as account
  from authentication
  where api.operation = 'AssumeRole' and status_id = 1 and session.credential_uid is not null and actor.session.credential_uid is not null
), chain as (
  select *, 1 as depth, [uid] as uids, [role] as roles, name as origin from hops
  union all
  select h.*, c.depth + 1, list_append(c.uids, h.uid), list_append(c.roles, h.role), c.origin
  from chain c join hops h on h.used = c.got and h.time between c.time and c.time + 7200000 and c.depth < 6
  where not list_contains(c.uids, h.uid) and not list_contains(c.roles, h.role)
)
select time, origin as entity, uids as event_uids, roles, depth, account from chain
where depth >= 3 and len(list_distinct(roles)) >= 3
-- The longest way to each session.
qualify row_number() over (partition by uid order by depth desc, uids) = 1
