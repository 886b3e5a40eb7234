/*
title: AI-21 Token spike or runaway loop
id: 02b51629-2d7b-5432-b787-51cfb29cc358
description: A user or key consumes within an hour at least 200,000 tokens and five times its usual hour, or 25 of the currency in which cost is told and as much above what is usual; or one session calls one tool with the same arguments at least ten times within ten minutes.
level: medium
status: test
tags: [owasp.llm10, owasp.asi08, atlas.aml.t0034.000, atlas.aml.t0034.002]
falsepositives:
  - A batch that was announced
  - "Polling of a slow job: give it a tool that waits"
reads: [api_activity]
*/
with spent as (
  select time, metadata.uid as uid, coalesce(actor.user.credential_uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name)) as who, message_context.total_tokens as tokens from api_activity where message_context.total_tokens > 0
), hourly as (
  select who, time // 3600000 as hour, sum(tokens) as tokens from spent group by all
), usual as (select who, median(tokens) as tokens, count(*) as hours from hourly group by who),
summed as (
  select *, sum(tokens) over (partition by who order by time range between 3600000 preceding and current row) as sum from spent where who is not null
), spikes as (
  -- Where there is no history of a day, the absolute number decides, at five times its height.
  select s.* from summed s join usual u using (who) where s.sum >= 200000 and (case when u.hours >= 6 then s.sum >= 5 * u.tokens else s.sum >= 1000000 end)
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 3600000, true)
), paid as (
  select time, metadata.uid as uid, coalesce(actor.user.credential_uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name)) as who, cost.amount as amount,
         sum(cost.amount) over (partition by coalesce(actor.user.credential_uid, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name)) order by time range between 3600000 preceding and current row) as sum
  from api_activity where cost.amount > 0
), paid_usual as (
  select who, median(amount) as amount from (select who, time // 3600000 as hour, sum(amount) as amount from paid group by all) group by who
), bills as (
  select p.* from paid p join paid_usual u using (who) where p.sum >= 25 and p.sum >= 5 * least(u.amount, 5)
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 3600000, true)
), calls as (
  select time, metadata.uid as uid, coalesce(message_context.uid, actor.session.uid, metadata.correlation_uid) as session, coalesce(actor.user.name, actor.user.uid, actor.session.uid, actor.app_name) as who, coalesce(ai_tool.name, list_filter(resources, lambda r: r.type = 'tool')[1].name, api.operation) as tool, md5(coalesce(cast(api.request.data as varchar), '')) as arguments
  from api_activity where message_context.ai_role_id = 3 and coalesce(activity_name, '') <> 'tool_decision' and api.request.data is not null
), repeated as (
  select *, count(*) over (partition by session, tool, arguments order by time range between 600000 preceding and current row) as n from calls where session is not null
), loops as (
  select * from repeated where n >= 10
  qualify coalesce(time - lag(time) over (partition by session, tool, arguments order by time, uid) > 600000, true)
)
select k.time, k.who as entity, list_sort(list(distinct s.uid))[1:100] as event_uids, 'token spike' as reason, k.sum as amount
from spikes k join spent s on s.who = k.who and s.time between k.time - 3600000 and k.time
group by k.time, k.who, k.uid, k.sum
union all
select b.time, b.who, list_sort(list(distinct p.uid))[1:100], 'cost of an hour', round(b.sum, 2)
from bills b join paid p on p.who = b.who and p.time between b.time - 3600000 and b.time
group by b.time, b.who, b.uid, b.sum
union all
select l.time, coalesce(l.who, l.session), list_sort(list(distinct c.uid))[1:100], 'loop of ' || l.tool, l.n
from loops l join calls c on c.session = l.session and c.tool = l.tool and c.arguments = l.arguments and c.time between l.time - 600000 and l.time
group by l.time, l.who, l.session, l.uid, l.tool, l.n
