/*
title: Machine stops reporting while others go on
id: 0419d36b-49d8-52ff-978d-57c209964eea
description: A machine whose sensor reported processes in at least eight of the last twelve hours is silent for two hours, while at least three other machines go on. Somebody switched the sensor off, or the machine.
level: medium
status: test
tags: [attack.defense-evasion, attack.t1562.001, attack.t1562.006]
falsepositives:
  - "Shutting down in the evening: a machine that ran for fewer hours is left out"
reads: [process_activity]
*/
with seen as (
  select time, device.hostname as host, metadata.uid as uid, source from process_activity where device.hostname is not null and source in ('microsoft.sysmon', 'microsoft.windows_security')
), span as (select max(time) as now from seen),
hours as (
  select host, count(distinct time // 3600000) as hours, max(time) as last, max_by(uid, time) as uid, max_by(source, time) as source
  from seen, span where time >= now - 43200000 group by host
), alive as (
  select count(*) as machines from hours, span where last >= now - 3600000
)
-- The finding's time is when silence had lasted two hours.
select last + 7200000 as time, host as entity, [uid] as event_uids, hours, source, machines as others_alive
from hours, span, alive
where hours >= 8 and last < now - 7200000 and machines >= 3
