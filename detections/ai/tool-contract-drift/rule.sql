/*
title: AI-09 Tool description changed after first use
id: dfa94630-5606-55aa-9340-a17994a9023a
description: "A tool of one name on one server is described otherwise than before: the text the model obeys was changed under the same name. Uses the fingerprints of description and parameters that lists of tools give, else the description in the span."
level: high
status: test
tags: [owasp.llm03, owasp.asi04, atlas.aml.t0109, atlas.aml.t0110, atlas.aml.t0104]
falsepositives:
  - "An update of the server; `ocsf-pipe ai tools lock` tells approved from unapproved"
reads: [api_activity]
*/
with told as (
  select time, metadata.uid as uid, actor.app_name as app, lower(coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation)) as tool, api.service.name as server,
         coalesce(nullif(concat_ws(' ', ai_tool.desc_fingerprint.value, ai_tool.input_schema_fingerprint.value), ''),
                  md5(json_extract_string(unmapped, '$.attributes."gen_ai.tool.description"'))) as print
  from api_activity
  where message_context.ai_role_id = 3 or ai_tool.name is not null
), firsts as (
  select server, tool, print, min(time) as time, min_by(uid, time) as uid, min_by(app, time) as app from told where print is not null and tool is not null group by all
), ordered as (
  select *, lag(uid) over w as before_uid, lag(print) over w as before_print from firsts window w as (partition by server, tool order by time, uid)
)
select time, coalesce(server || '/', '') || tool as entity, [before_uid, uid] as event_uids, tool, server, app, before_print, print
from ordered where before_uid is not null
