/*
title: Objects destroyed or locked after protection was lowered
id: ba46ca63-c931-52fb-945c-10e19f166aca
description: Versioning, a lifecycle or the encryption of a bucket is changed so that objects cannot come back, and within two hours 20 objects of it are deleted, or rewritten with a key of the caller (SSE-C).
level: critical
status: test
tags: [attack.impact, attack.t1485, attack.t1486]
falsepositives:
  - A bucket that is emptied before it is removed
reads: [api_activity, datastore_activity]
*/
with lowered as (
  select time, metadata.uid as uid, json_extract_string(api.request.data, '$.bucketName') as bucket, actor.user.name as name, api.operation as operation
  from api_activity
  where status_id = 1 and (
    (api.operation = 'PutBucketVersioning' and contains(cast(api.request.data as varchar), 'Suspended'))
    or api.operation in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketReplication', 'DeleteBucketPolicy', 'PutBucketObjectLockConfiguration', 'PutBucketEncryption'))
), destroyed as (
  select time, metadata.uid as uid, databucket.name as bucket, databucket.file.path as path, actor.user.name as name
  from datastore_activity
  where status_id = 1 and databucket.name is not null and (
    api.operation in ('DeleteObject', 'DeleteObjects')
    or (api.operation in ('PutObject', 'CopyObject') and contains(lower(cast(api.request.data as varchar)), 'server-side-encryption-customer-algorithm')))
), counted as (
  select *, count(*) over (partition by bucket order by time range between 7200000 preceding and current row) as n from destroyed
), edges as (
  select * from counted where n >= 20
  qualify coalesce(time - lag(time) over (partition by bucket order by time, uid) > 7200000, true)
), with_cause as (
  select e.time, e.bucket, e.name, e.n, l.uid as cause, l.operation, l.time as cause_time
  from edges e join lowered l on l.bucket = e.bucket and l.time between e.time - 14400000 and e.time
  qualify row_number() over (partition by e.bucket, e.time order by l.time) = 1
)
select w.time, w.name as entity, list_concat([w.cause], list_sort(list(distinct d.uid))[1:99]) as event_uids, w.bucket, w.operation as lowered_by, w.n as objects
from with_cause w join destroyed d on d.bucket = w.bucket and d.time between w.time - 7200000 and w.time
group by w.time, w.name, w.cause, w.bucket, w.operation, w.n
