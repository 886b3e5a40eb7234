/*
title: Two security services switched off within half an hour
id: 3ecd6635-a4e7-5ec8-b191-4e44381b71ff
description: One principal disables at least two different services that watch an account (CloudTrail, GuardDuty, Config, Security Hub, Macie, Inspector, Access Analyzer, flow logs) within 30 minutes, in any region.
level: critical
status: test
tags: [attack.defense-evasion, attack.t1562.001, attack.t1562.008]
falsepositives:
  - An account that is closed
reads: [api_activity, entity_management]
*/
with hits as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, api.operation as operation, api.service.name as service, cloud.region as region
  from api_activity
  where status_id = 1 and actor.user.uid is not null and api.operation in (
    'StopLogging', 'DeleteTrail', 'DeleteDetector', 'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DisableSecurityHub', 'DisableMacie',
    'DeleteAnalyzer', 'DeleteFlowLogs', 'DeleteConfigRule', 'DisableImportFindingsForProduct', 'DeleteMembers', 'DisassociateMembers', 'BatchDisableStandards', 'DeleteLogGroup')
  or (status_id = 1 and api.operation = 'Disable' and api.service.name = 'inspector2.amazonaws.com')
), counted as (
  select *, count(distinct service) over (partition by who order by time range between 1800000 preceding and current row) as services from hits
), edges as (
  select * from counted where services >= 2
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 1800000, true)
)
select e.time, e.name as entity, list_sort(list(distinct h.uid))[1:100] as event_uids, list_sort(list(distinct h.operation)) as operations, list_sort(list(distinct h.region)) as regions
from edges e join hits h on h.who = e.who and h.time between e.time - 1800000 and e.time
group by e.time, e.name, e.uid
