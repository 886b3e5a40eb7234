/*
title: Right granted to oneself after a refusal
id: 9ceaeb61-d1ae-5354-873e-fe51527d0f88
description: A call is refused; within the hour the same principal changes a policy, a role or a group; then the very call that was refused succeeds. That is a privilege chain from first try to success.
level: high
status: test
tags: [attack.privilege-escalation, attack.t1098.003, attack.t1078.004]
falsepositives:
  - An administrator who mends the policy of the role he works in
reads: [api_activity, account_change, group_management, entity_management]
*/
with calls as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, api.service.name || ':' || api.operation as call,
         coalesce(action_id, 0) = 2 as refused, status_id = 1 as allowed
  from api_activity where actor.user.uid is not null
), grants as (
  select time, metadata.uid as uid, actor.user.uid as who, api.operation as operation from account_change
  where status_id = 1 and api.operation in ('AttachUserPolicy', 'AttachRolePolicy', 'PutUserPolicy', 'PutRolePolicy', 'UpdateAssumeRolePolicy',
    'DeleteUserPermissionsBoundary', 'DeleteRolePermissionsBoundary', 'DetachUserPolicy', 'DetachRolePolicy', 'DeleteUserPolicy', 'DeleteRolePolicy')
  union all
  select time, metadata.uid, actor.user.uid, api.operation from group_management
  where status_id = 1 and api.operation in ('AddUserToGroup', 'AttachGroupPolicy', 'PutGroupPolicy')
  union all
  select time, metadata.uid, actor.user.uid, api.operation from entity_management
  where status_id = 1 and api.operation in ('CreatePolicyVersion', 'SetDefaultPolicyVersion')
)
select a.time, a.name as entity, [r.uid, g.uid, a.uid] as event_uids, a.call, g.operation as granted_by
from calls a
join grants g on g.who = a.who and a.time between g.time and g.time + 3600000
join calls r on r.who = a.who and r.call = a.call and r.refused and g.time between r.time and r.time + 3600000
where a.allowed
-- Only where the call had not succeeded between its refusal and the grant.
  and not exists (from calls o where o.who = a.who and o.call = a.call and o.allowed and o.time between r.time and g.time)
qualify row_number() over (partition by a.who, a.call order by a.time, g.time desc, r.time desc) = 1
