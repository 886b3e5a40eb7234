/*
title: Administrator rights for a young or own identity
id: 5003ec30-48a5-5ea4-a28c-14876b6195a2
description: Full administrator rights are given to a user or role that is less than a day old, or by somebody to himself.
level: high
status: test
tags: [attack.persistence, attack.privilege-escalation, attack.t1098.003, attack.t1136.003]
falsepositives:
  - Bootstrap of a new account
reads: [account_change]
*/
with created as (
  select time, metadata.uid as uid, lower(user.name) as target, cloud.account.uid as account
  from account_change where api.operation in ('CreateUser', 'CreateRole') and status_id = 1 and user.name is not null
), granted as (
  select time, metadata.uid as uid, lower(user.name) as target, cloud.account.uid as account, actor.user.name as name, api.operation as operation,
         regexp_matches(cast(api.request.data as varchar), '(AdministratorAccess|IAMFullAccess|PowerUserAccess)')
         -- An inline policy that allows everything; it stands as escaped JSON in the parameters.
         or regexp_matches(replace(cast(api.request.data as varchar), '\"', '"'), '"Action": *\[? *"(\*|iam:\*)"') as is_admin
  from account_change
  where api.operation in ('AttachUserPolicy', 'AttachRolePolicy', 'PutUserPolicy', 'PutRolePolicy') and status_id = 1 and user.name is not null
)
select g.time, g.name as entity, list_filter([c.uid, g.uid], lambda x: x is not null) as event_uids, g.target, g.operation,
       case when c.uid is null then 'granted to itself' else 'identity younger than a day' end as reason
from granted g
left join created c on c.target = g.target and c.account = g.account and g.time between c.time and c.time + 86400000
where g.is_admin and (c.uid is not null or g.target = lower(g.name))
qualify row_number() over (partition by g.uid order by c.time desc) = 1
