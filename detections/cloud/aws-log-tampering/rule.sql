/*
title: Audit logging weakened in AWS
id: 7869c310-7af3-55e4-a7a6-d758125cd09b
description: A trail is stopped, deleted or narrowed, or one of the services that watch an account is switched off, and the same principal changes something else within the hour before or after. What is left alone is maintenance; what is followed by changes hides them.
level: high
status: test
tags: [attack.defense-evasion, attack.t1562.008]
falsepositives:
  - Infrastructure as code that rebuilds an account
reads: [api_activity, account_change]
*/
with blinded as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, api.operation as operation, cloud.account.uid as account
  from api_activity
  where status_id = 1 and actor.user.uid is not null and (
    api.operation in ('StopLogging', 'DeleteTrail', 'DeleteEventDataStore', 'StopEventDataStoreIngestion', 'DeleteDetector', 'DisassociateFromMasterAccount',
                      'DisassociateFromAdministratorAccount', 'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel',
                      'DisableSecurityHub', 'DeleteFlowLogs', 'DeleteLogGroup', 'DeleteLogStream', 'StopMonitoringMembers')
    -- A trail that no longer records management events, or no longer all regions.
    or (api.operation = 'PutEventSelectors' and regexp_matches(cast(api.request.data as varchar), '"includeManagementEvents": ?false'))
    or (api.operation = 'UpdateTrail' and regexp_matches(cast(api.request.data as varchar), '"(isMultiRegionTrail|includeGlobalServiceEvents|enableLogFileValidation)": ?false'))
    or (api.operation = 'UpdateDetector' and regexp_matches(cast(api.request.data as varchar), '"enable": ?false')))
), changes as (
  select time, metadata.uid as uid, actor.user.uid as who, api.operation as operation from api_activity
  where activity_id in (1, 3, 4) and status_id = 1
  union all
  select time, metadata.uid, actor.user.uid, api.operation from account_change where status_id = 1
)
select b.time, b.name as entity, list_sort(list(distinct x)) as event_uids, b.operation, b.account, list_sort(list(distinct c.operation)) as other_changes, b.uid as key
from blinded b
join changes c on c.who = b.who and c.uid <> b.uid and c.time between b.time - 3600000 and b.time + 3600000,
  unnest([b.uid, c.uid]) as u(x)
group by b.time, b.uid, b.name, b.operation, b.account
