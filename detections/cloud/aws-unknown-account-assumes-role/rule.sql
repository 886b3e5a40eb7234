/*
title: Role taken by an account never seen before
id: 1a11388b-9160-5f8d-a9dc-89147751a7e9
description: A role of yours is assumed by a principal of an AWS account that has not done so in the last 30 days, in an account with at least a week of history.
level: high
status: test
tags: [attack.initial-access, attack.t1199, attack.t1078.004]
falsepositives:
  - A new vendor; its account number is in the contract
reads: [authentication]
*/
with taken as (
  select time, metadata.uid as uid, actor.user.account.uid as from_account, cloud.account.uid as account, user.name as role, actor.user.uid as who
  from authentication
  where api.operation = 'AssumeRole' and status_id = 1 and actor.user.account.uid is not null and actor.user.account.uid <> cloud.account.uid
), known as (
  select cloud.account.uid as account, min(time) as since from authentication group by all
), firsts as (
  select account, from_account, min(time) as time, min_by(uid, time) as uid, min_by(role, time) as role, min_by(who, time) as who from taken group by all
)
select f.time, f.from_account as entity, [f.uid] as event_uids, f.role, f.who, f.account
from firsts f join known k using (account) where f.time - k.since >= 604800000
