/*
title: Tool fetches a program over plain HTTP from a bare address
id: d85add00-0d48-5406-9655-494b2304cb9c
description: A client that calls itself no browser fetches a program or script over plain HTTP from a host named by its number alone, for the first time in 14 days from that host.
level: medium
status: test
tags: [attack.command-and-control, attack.t1105, attack.t1071.001]
falsepositives:
  - Devices that update from a local number; inner addresses are left out
reads: [http_activity]
*/
with fetched as (
  select time, metadata.uid as uid, src_endpoint.ip as src, dst_endpoint.ip as dst, http_request.url.url_string as url, coalesce(http_request.user_agent, '') as agent, http_response.code as code
  from http_activity
  where http_request.url.url_string is not null and dst_endpoint.ip is not null and not regexp_matches(dst_endpoint.ip, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)')
), firsts as (select dst, min(time) as since from fetched group by dst)
select f.time, f.src as entity, [f.uid] as event_uids, f.url, f.agent, f.dst
from fetched f join firsts s using (dst)
where f.time - s.since <= 3600000 and coalesce(f.code, 200) between 200 and 299
  and regexp_matches(f.url, '^http://\d+\.\d+\.\d+\.\d+(:\d+)?/')
  and regexp_matches(lower(f.url), '\.(exe|dll|ps1|sh|bat|vbs|hta|jar|elf|bin|msi|py|js|sct|cpl|scr|arm7?|mips|x86(_64)?)([?#]|$)')
  and not regexp_matches(f.agent, '(Chrome|Firefox|Safari|Edg|Opera)/')
qualify row_number() over (partition by f.src, f.url order by f.time, f.uid) = 1
