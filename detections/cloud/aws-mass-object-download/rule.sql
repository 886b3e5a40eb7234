/*
title: Mass download from S3 by one principal
id: 5f0906c8-f9f6-5240-9988-334aa4752b03
description: One principal reads 100 different objects, or 1 GiB, from S3 within an hour, and at least five times as much as in any of its earlier hours. The growth against its own past keeps batch jobs out.
level: high
status: test
tags: [attack.exfiltration, attack.collection, attack.t1530]
falsepositives:
  - A migration or restore; a job that was moved to another role
reads: [datastore_activity]
*/
with hits as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, databucket.name as bucket,
         coalesce(databucket.file.path, '') as path, src_endpoint.ip as ip,
         coalesce(try_cast(json_extract_string(unmapped, '$.additionalEventData.bytesTransferredOut') as double), 0) as bytes
  from datastore_activity
  where api.operation = 'GetObject' and status_id = 1 and actor.user.uid is not null and databucket.name is not null
), counted as (
  select *, count(distinct bucket || '/' || path) over w as objects, sum(bytes) over w as volume
  from hits
  window w as (partition by who order by time range between 3600000 preceding and current row)
), compared as (
  -- The largest hour of its own before this one began.
  select *, max(objects) over earlier as usual_objects, max(volume) over earlier as usual_volume
  from counted
  window earlier as (partition by who order by time range between unbounded preceding and 3600001 preceding)
), edges as (
  select * from compared
  where (objects >= 100 and objects >= 5 * coalesce(usual_objects, 0))
     or (volume >= 1073741824 and volume >= 5 * coalesce(usual_volume, 0))
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 3600000, true)
)
select e.time, e.name as entity, list_sort(list(distinct h.uid))[1:100] as event_uids, e.objects, e.volume as bytes,
       list_sort(list(distinct h.bucket)) as buckets, list_sort(list(distinct h.ip)) as addresses
from edges e join hits h on h.who = e.who and h.time between e.time - 3600000 and e.time
group by all
