/*
title: MFA device removed, then a login without it
id: 8aeec560-5726-5244-9b08-cfe33c597801
description: The second factor of a user is taken away, and within a day that user signs in to the console without one.
level: high
status: test
tags: [attack.defense-evasion, attack.t1556.006]
falsepositives:
  - A lost telephone
reads: [account_change, authentication]
*/
with removed as (
  select time, metadata.uid as uid, user.name as target, actor.user.name as name from account_change
  where api.operation = 'DeactivateMFADevice' and status_id = 1 and user.name is not null
), logins as (
  select time, metadata.uid as uid, user.name as who, src_endpoint.ip as ip from authentication
  where api.operation = 'ConsoleLogin' and status_id = 1 and not coalesce(is_mfa, false)
)
select l.time, r.target as entity, [r.uid, l.uid] as event_uids, r.name as removed_by, l.ip
from removed r join logins l on l.who = r.target and l.time between r.time and r.time + 86400000
qualify row_number() over (partition by r.uid order by l.time) = 1
