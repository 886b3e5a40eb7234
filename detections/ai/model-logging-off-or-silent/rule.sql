/*
title: AI-06 Model invocation logging switched off, or silent while calls go on
id: 58d402de-ea24-5c34-b47d-ed5070e5d58f
description: The invocation log of Bedrock is deleted or narrowed; or CloudTrail shows model calls in an account and region whose invocation log, which had records before, has none for an hour around them.
level: high
status: test
tags: [owasp.llm10, atlas.aml.t0081, attack.t1562.008]
falsepositives:
  - Delivery of the log that is late by more than an hour
reads: [api_activity]
*/
with told as (
  select cloud.account.uid as account, cloud.region as region, time, metadata.uid as uid from api_activity where source = 'aws.bedrock_invocation'
), called as (
  select cloud.account.uid as account, cloud.region as region, time, metadata.uid as uid, actor.user.name as who from api_activity
  where source = 'aws.cloudtrail' and api.operation in ('InvokeModel', 'InvokeModelWithResponseStream', 'Converse', 'ConverseStream') and status_id = 1
), silent as (
  select c.account, c.region, min(c.time) as time, list_sort(list(c.uid))[1:50] as uids, min_by(c.who, c.time) as who, count(*) as calls
  from called c
  -- The log was there once; a log that was never on is another matter.
  where exists (from told t where t.account = c.account and t.region = c.region and t.time < c.time - 3600000)
    and not exists (from told t where t.account = c.account and t.region = c.region and t.time between c.time - 3600000 and c.time + 3600000)
    -- And time enough has passed for it to arrive.
    and c.time < (select max(time) from api_activity) - 3600000
  group by c.account, c.region having count(*) >= 3
)
select time, actor.user.name as entity, [metadata.uid] as event_uids, api.operation as reason, cloud.account.uid as account, cloud.region as region, metadata.uid as key
from api_activity
where status_id = 1 and (api.operation = 'DeleteModelInvocationLoggingConfiguration'
  or (api.operation = 'PutModelInvocationLoggingConfiguration' and regexp_matches(cast(api.request.data as varchar), '"(text|image|embedding)DataDeliveryEnabled": ?false')))
union all
select time, who, uids, 'calls without invocation log: ' || calls, account, region, concat_ws(' ', account, region, time) from silent
