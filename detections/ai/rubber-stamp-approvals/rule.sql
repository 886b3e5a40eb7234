/*
title: AI-14 Approvals given faster than anybody can read
id: c7000f9f-e8cb-539a-8177-3a976cbdd90e
description: A person approves at least ten actions of an agent within one minute and refuses none. Approval is then no control.
level: medium
status: test
tags: [owasp.asi09, owasp.llm06, atlas.aml.t0101]
falsepositives:
  - A run of like, harmless commands
reads: [process_activity, api_activity]
*/
with decisions as (
  select time, metadata.uid as uid, actor.session.uid as session, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, disposition_id from process_activity
  where activity_id = 1 and disposition_id in (2, 8) and metadata.event_code = 'tool_decision'
  union all
  select time, metadata.uid, actor.session.uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), disposition_id from api_activity
  where disposition_id in (2, 8) and metadata.event_code = 'tool_decision'
), counted as (
  select *, count(*) filter (disposition_id = 8) over w as approved, count(*) filter (disposition_id = 2) over w as refused
  from decisions where session is not null
  window w as (partition by session order by time range between 60000 preceding and current row)
), edges as (
  select * from counted where approved >= 10 and refused = 0
  qualify coalesce(time - lag(time) over (partition by session order by time, uid) > 60000, true)
)
select e.time, e.who as entity, list_sort(list(distinct d.uid))[1:100] as event_uids, e.session, e.approved
from edges e join decisions d on d.session = e.session and d.time between e.time - 60000 and e.time
group by e.time, e.who, e.uid, e.session, e.approved
