/*
title: First changes in an AWS region
id: fc4333dd-e490-5350-ac7b-4a2a1a66a8d0
description: An account that has been changed only in some regions for the last 30 days is changed in another for the first time. Unused regions are where mining and hidden infrastructure go.
level: medium
status: test
tags: [attack.defense-evasion, attack.t1535]
falsepositives:
  - A planned expansion; global services report us-east-1 and are left out
reads: [api_activity]
*/
with changes as (
  select time, metadata.uid as uid, cloud.account.uid as account, cloud.region as region, actor.user.name as name, api.operation as operation
  from api_activity
  where activity_id in (1, 3) and status_id = 1 and cloud.region is not null and cloud.account.uid is not null
    and coalesce(actor.user.type, '') <> 'Service' and api.service.name not in ('iam.amazonaws.com', 'sts.amazonaws.com', 'route53.amazonaws.com',
      'cloudfront.amazonaws.com', 'organizations.amazonaws.com', 'support.amazonaws.com', 'billing.amazonaws.com', 'health.amazonaws.com')
), firsts as (
  select account, region, min(time) as time, arg_min(uid, time) as uid, arg_min(name, time) as name, arg_min(operation, time) as operation
  from changes group by all
), known as (
  select account, min(time) as since from changes group by all
)
-- Without a week of history every region is new.
select f.time, f.name as entity, [f.uid] as event_uids, f.region, f.operation, f.account
from firsts f join known k using (account)
where f.time - k.since >= 604800000
