/*
title: AI-25 Memory written by a stranger, then read for somebody else
id: 61228421-8ee1-5069-bf00-3206175c109e
description: "Somebody who had never written to a memory or knowledge store writes to it, although others had; and within a week it is read for another person. What he wrote is now in that person's answers."
level: high
status: test
tags: [owasp.llm04, owasp.llm08, owasp.asi06, atlas.aml.t0080.000, atlas.aml.t0070]
falsepositives:
  - A new colleague who feeds the knowledge base
reads: [datastore_activity]
*/
with acts as (
  select time, metadata.uid as uid, coalesce(database.uid, database.name) as store, coalesce("table".name, '') as place, coalesce(actor.user.uid, actor.user.name) as who,
         activity_name in ('Write', 'Update', 'Create', 'Insert') as writes, activity_name in ('Query', 'Read', 'List') as reads, source
  from datastore_activity
  where (type_id = 1 or database.type_id in (7, 8) or lower(coalesce(database.type, '')) like '%memory%') and message_context.ai_role_id is not null or source in ('aws.bedrock_agentcore', 'anthropic.compliance')
), writers as (
  select store, who, min(time) as since from acts where writes and who is not null and store is not null group by all
), newcomers as (
  select a.* from acts a join writers w on w.store = a.store and w.who = a.who
  where a.writes and a.time - w.since <= 86400000 and exists (from writers o where o.store = a.store and o.who <> a.who and o.since < a.time - 86400000)
)
select r.time, n.who as entity, [n.uid, r.uid] as event_uids, n.store, n.place, r.who as read_for, n.source
from newcomers n join acts r on r.store = n.store and r.reads and r.who <> n.who and r.time between n.time and n.time + 604800000 and (n.place = '' or r.place = '' or n.place = r.place)
qualify row_number() over (partition by n.store, n.who order by r.time, n.time desc) = 1
