/*
title: Impossible travel between two sign-ins
id: 9074b6b2-1b30-54db-8c5e-aa605605c09c
description: A person signs in from two places at least 500 km apart, and to get from one to the other would have needed more than 900 km/h, the speed of an airliner. The two addresses and networks differ.
level: high
status: test
tags: [attack.initial-access, attack.t1078]
falsepositives:
  - A company VPN or mobile network whose exits are far apart
  - A proxy of privacy software
reads: [authentication]
*/
with logons as (
  select time, metadata.uid as uid, coalesce(user.name, user.uid) as who, src_endpoint.ip as ip, src_endpoint.location.country as country,
         src_endpoint.autonomous_system.number as network, src_endpoint.location.lat as lat, src_endpoint.location.long as lon
  from authentication
  where activity_id = 1 and status_id = 1 and src_endpoint.ip is not null and src_endpoint.location.lat is not null and src_endpoint.location.long is not null
), pairs as (
  select *, lag(uid) over w as from_uid, lag(time) over w as from_time, lag(ip) over w as from_ip, lag(country) over w as from_country,
         lag(network) over w as from_network, lag(lat) over w as from_lat, lag(lon) over w as from_lon
  from logons where who is not null
  window w as (partition by who order by time, uid)
), measured as (
  -- Great circle on a sphere of 6371 km.
  select *, 2 * 6371 * asin(least(1.0, sqrt(power(sin(radians(lat - from_lat) / 2), 2)
         + cos(radians(from_lat)) * cos(radians(lat)) * power(sin(radians(lon - from_lon) / 2), 2)))) as km,
         greatest(time - from_time, 60000) / 3600000.0 as hours
  from pairs where from_uid is not null
)
select time, who as entity, [from_uid, uid] as event_uids, from_country, country, from_ip, ip, round(km) as km, round(km / hours) as km_h
from measured
where km >= 500 and km / hours > 900 and ip <> from_ip and network is distinct from from_network
