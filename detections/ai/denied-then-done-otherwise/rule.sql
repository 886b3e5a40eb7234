/*
title: AI-15 Refused command done by another way
id: dae28c42-00ba-5b27-8005-89e809d69aba
description: A person or a rule refuses a command of an agent, and within half an hour the same command, or one that contains its essential part (an address, path or object), runs in the same session without the person having been asked.
level: high
status: test
tags: [owasp.asi02, owasp.asi10, atlas.aml.t0053, atlas.aml.t0101]
falsepositives:
  - A person who refuses, then allows by a rule
reads: [process_activity, api_activity]
*/
with steps as (
  select time, metadata.uid as uid, actor.session.uid as session, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, lower(trim(regexp_replace(process.cmd_line, '\s+', ' ', 'g'))) as cmd, disposition_id as how, activity_id = 1 as begins
  from process_activity where process.cmd_line is not null and actor.session.uid is not null
  union all
  select time, metadata.uid, actor.session.uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name), lower(cast(api.request.data as varchar)), disposition_id, true
  from api_activity where actor.session.uid is not null and api.request.data is not null and message_context.ai_role_id = 3
), refused as (
  -- The longest word that is an address, a path or a name with a dot: what the command was about.
  select *, list_sort(list_filter(string_split(cmd, ' '), lambda w: length(w) >= 8 and regexp_matches(w, '[/.]')), 'DESC')[1] as object from steps where how = 2 and begins
)
select d.time, d.who as entity, [r.uid, d.uid] as event_uids, d.session, r.cmd as refused, d.cmd as done
from refused r join steps d on d.session = r.session and d.time > r.time and d.time <= r.time + 1800000 and coalesce(d.how, 1) = 1
where d.cmd = r.cmd or (r.object is not null and contains(d.cmd, rtrim(r.object, ';|&"''')))
qualify row_number() over (partition by r.uid order by d.time, d.uid) = 1
