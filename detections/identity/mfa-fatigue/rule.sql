/*
title: "MFA fatigue: pushes refused, then one accepted"
id: c697e5bc-b04d-550b-871a-7a6d9c9ae9b0
description: At least three push requests to one person are refused or run out within 30 minutes, and then the second factor succeeds.
level: high
status: test
tags: [attack.credential-access, attack.t1621]
falsepositives:
  - A person with a bad connection; the address is then the usual one
reads: [authentication]
*/
with steps as (
  select time, metadata.uid as uid, lower(user.name) as who, status_id, metadata.event_code as code, src_endpoint.ip as ip
  from authentication
  where activity_id in (6, 1) and coalesce(is_mfa, false) and (metadata.event_code in ('user.authentication.auth_via_mfa', 'user.mfa.okta_verify.deny_push', 'user.mfa.okta_verify'))
), refused as (select * from steps where status_id = 2 or code = 'user.mfa.okta_verify.deny_push'),
given as (select * from steps where status_id = 1 and code <> 'user.mfa.okta_verify.deny_push')
select g.time, g.who as entity, list_concat(list_sort(list(distinct r.uid))[1:50], [g.uid]) as event_uids, count(distinct r.uid) as refused, g.ip
from given g join refused r on r.who = g.who and r.time between g.time - 1800000 and g.time
-- Only the first success that ends a series.
where not exists (from given o where o.who = g.who and o.time < g.time and o.time >= r.time)
group by g.time, g.who, g.uid, g.ip
having count(distinct r.uid) >= 3
