/*
title: Membership of a powerful group for less than an hour
id: ffea8c79-0c05-5e18-9c29-4b01b75d4bda
description: Somebody is put into an administrative group of Windows and taken out again within the hour.
level: high
status: test
tags: [attack.privilege-escalation, attack.t1098.007, attack.t1484]
falsepositives:
  - Privileged access management that works this way; leave out its account
reads: [group_management]
*/
with steps as (
  select time, metadata.uid as uid, activity_id as act, coalesce(user.uid, lower(user.name)) as member, user.name as name, "group".name as grp, "group".uid as grp_uid, actor.user.name as by_whom
  from group_management
  where activity_id in (3, 4) and (
    lower("group".name) in ('administrators', 'domain admins', 'enterprise admins', 'schema admins', 'account operators', 'backup operators', 'dnsadmins')
    or regexp_matches("group".uid, '^S-1-5-32-(544|548|551)$') or regexp_matches("group".uid, '-(512|518|519)$'))
)
select r.time, coalesce(a.name, a.member) as entity, [a.uid, r.uid] as event_uids, a.grp as group_name, a.by_whom as added_by, r.by_whom as removed_by, (r.time - a.time) // 60000 as minutes
from steps a join steps r on r.member = a.member and r.grp_uid is not distinct from a.grp_uid and r.grp = a.grp and r.time between a.time and a.time + 3600000
where a.act = 3 and r.act = 4
qualify row_number() over (partition by r.uid order by a.time desc) = 1
