/*
title: Account created and made administrator within the hour
id: a7acd33c-5c96-590b-b8ad-d59b29c64f69
description: A Windows account is created and within the hour put into a group that administers a machine or the domain.
level: high
status: test
tags: [attack.persistence, attack.t1136, attack.t1098.007]
falsepositives:
  - Setting up a machine by script
reads: [account_change, group_management]
*/
with made as (
  select time, metadata.uid as uid, user.name as name, user.uid as sid, actor.user.name as by_whom, device.hostname as host from account_change
  where metadata.event_code = '4720' and user.uid is not null
), put as (
  select time, metadata.uid as uid, user.uid as sid, user.name as member, "group".name as grp, actor.user.name as by_whom from group_management
  where activity_id = 3 and (
    lower("group".name) in ('administrators', 'domain admins', 'enterprise admins', 'schema admins', 'account operators', 'backup operators', 'dnsadmins', 'remote desktop users', 'hyper-v administrators')
    -- The built-in groups by their numbers, for their names are translated.
    or regexp_matches("group".uid, '^S-1-5-32-(544|548|551|555|578)$') or regexp_matches("group".uid, '-(512|518|519)$'))
)
select p.time, m.name as entity, [m.uid, p.uid] as event_uids, p.grp as group_name, m.by_whom as created_by, p.by_whom as added_by, m.host
from made m join put p on p.sid = m.sid and p.time between m.time and m.time + 3600000
qualify row_number() over (partition by m.uid order by p.time) = 1
