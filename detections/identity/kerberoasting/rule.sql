/*
title: "Kerberoasting: RC4 tickets for many services"
id: 8b2c45de-b16c-545e-9c2d-e6b0b9d0e19c
description: One account asks for tickets of at least five different services with RC4 encryption within 30 minutes. Clients of this century ask for AES; RC4 is asked for to guess the password offline.
level: high
status: test
tags: [attack.credential-access, attack.t1558.003]
falsepositives:
  - "Old clients and storage systems that know RC4 alone: they ask for few services"
reads: [authentication]
*/
with tickets as (
  select time, metadata.uid as uid, lower(user.name) as who, lower(service.name) as service, src_endpoint.ip as ip
  from authentication
  where metadata.event_code = '4769' and status_id = 1 and starts_with(authentication_token.encryption_details.type, 'RC4')
    and service.name is not null and not ends_with(service.name, '$') and lower(service.name) <> 'krbtgt' and user.name is not null
), counted as (
  select *, count(distinct service) over (partition by who order by time range between 1800000 preceding and current row) as services from tickets
), edges as (
  select * from counted where services >= 5
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 1800000, true)
)
select e.time, e.who as entity, list_sort(list(distinct t.uid))[1:100] as event_uids, e.services, list_sort(list(distinct t.service)) as names, e.ip
from edges e join tickets t on t.who = e.who and t.time between e.time - 1800000 and e.time
group by e.time, e.who, e.uid, e.services, e.ip
