/*
title: Snapshot or image shared with an unknown account or with all
id: 4e945e68-dd92-5be6-afa7-8433e8c0656d
description: A disk snapshot, a machine image or a database snapshot is made readable for everybody, or for an AWS account that the lake has never seen act or own anything.
level: high
status: test
tags: [attack.exfiltration, attack.t1537]
falsepositives:
  - A new partner account
  - Public images that you publish
reads: [api_activity]
*/
with shares as (
  select time, metadata.uid as uid, actor.user.name as name, api.operation as operation, cloud.account.uid as account, cast(api.request.data as varchar) as asked
  from api_activity
  where status_id = 1 and api.operation in ('ModifySnapshotAttribute', 'ModifyImageAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute')
    and regexp_matches(cast(api.request.data as varchar), '"(add|valuesToAdd)"')
), receivers as (
  select *, unnest(regexp_extract_all(regexp_replace(asked, '"remove".*$', ''), '"(\d{12}|all)"', 1)) as receiver from shares
), own as (
  select distinct cloud.account.uid as account from api_activity
  union
  select distinct actor.user.account.uid from api_activity
)
select time, name as entity, [uid] as event_uids, operation, receiver, account
from receivers where receiver = 'all' or receiver not in (from own where account is not null)
