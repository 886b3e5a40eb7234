/*
title: Long-lived AWS key used from a new network with a new tool
id: b4de12fb-b962-5145-93f7-5b34f626fd94
description: An access key (AKIA) that has worked from the same networks for at least a week is used from another /16 and with another tool at the same time. One of the two happens; both at once is another person.
level: high
status: test
tags: [attack.initial-access, attack.t1078.004, attack.credential-access, attack.t1552]
falsepositives:
  - A developer who changes laptop and place on one day
reads: [api_activity]
*/
with uses as (
  select time, metadata.uid as uid, actor.session.credential_uid as key, actor.user.name as name, src_endpoint.ip as ip,
         case when contains(src_endpoint.ip, ':') then array_to_string(string_split(src_endpoint.ip, ':')[1:3], ':')
              else array_to_string(string_split(src_endpoint.ip, '.')[1:2], '.') end as network,
         -- `aws-cli/2.15.0 Python/3.11` is aws-cli: versions change.
         lower(regexp_extract(http_request.user_agent, '^\[?([A-Za-z0-9_.-]+)', 1)) as tool, api.operation as operation
  from api_activity
  where starts_with(actor.session.credential_uid, 'AKIA') and src_endpoint.ip is not null and http_request.user_agent is not null
), seen as (
  select *, min(time) over (partition by key) as since, min(time) over (partition by key, network) as network_since,
         min(time) over (partition by key, tool) as tool_since
  from uses
)
select min(time) as time, name as entity, list_sort(list(distinct uid))[1:100] as event_uids, key as access_key, ip, network, tool, list_sort(list(distinct operation))[1:20] as operations,
       key || ' ' || network || ' ' || tool as key
from seen
where network_since - since >= 604800000 and tool_since - since >= 604800000
  and time - network_since <= 3600000 and abs(network_since - tool_since) <= 3600000
group by name, key, ip, network, tool
