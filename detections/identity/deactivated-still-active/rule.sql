/*
title: Deactivated account still gets in
id: 08a221b2-3e90-5202-b823-51b1c45c8c4d
description: "An account that was deactivated, suspended or deleted signs in somewhere within 30 days, without having been made active again: a session, token or local account was forgotten."
level: high
status: test
tags: [attack.persistence, attack.t1078]
falsepositives:
  - Two people of one login name
reads: [account_change, authentication]
*/
with gone as (
  select time, metadata.uid as uid, lower(user.name) as who, activity_name as how from account_change
  where activity_name in ('Disable', 'Delete') and status_id = 1 and user.name is not null
), back as (
  select time, lower(user.name) as who from account_change where activity_name in ('Enable', 'Create') and status_id = 1 and user.name is not null
), logons as (
  select time, metadata.uid as uid, lower(user.name) as who, src_endpoint.ip as ip, source from authentication
  where activity_id = 1 and status_id = 1 and user.name is not null
)
select l.time, l.who as entity, [g.uid, l.uid] as event_uids, g.how, l.ip, l.source
from gone g join logons l on l.who = g.who and l.time between g.time + 60000 and g.time + 2592000000
where not exists (from back b where b.who = g.who and b.time between g.time and l.time)
qualify row_number() over (partition by g.uid order by l.time, l.uid) = 1
