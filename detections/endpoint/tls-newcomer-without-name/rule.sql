/*
title: New TLS fingerprint to an address without a name
id: bc3c6df7-7750-56d8-bba6-2d6da2e160b7
description: "A TLS client fingerprint (JA3) that no machine had in 14 days appears on one machine, talking to a public address without server name or with a certificate that signs itself. Programs of one's own have a browser's or a library's fingerprint."
level: medium
status: test
tags: [attack.command-and-control, attack.t1573.002, attack.t1571]
falsepositives:
  - New software on one machine
reads: [network_activity]
*/
with hellos as (
  select time, metadata.uid as uid, src_endpoint.ip as src, dst_endpoint.ip as dst, tls.ja3_hash.value as ja3, tls.sni as sni,
         coalesce(tls.certificate.is_self_signed, false) as self_signed, tls.certificate.subject as subject
  from network_activity where tls.ja3_hash.value is not null and src_endpoint.ip is not null
), prints as (select ja3, min(time) as since, count(distinct src) as machines from hellos group by ja3),
begun as (select min(time) as since from hellos)
select h.time, h.src as entity, [h.uid] as event_uids, h.ja3, h.dst, h.sni, h.subject
from hellos h join prints p using (ja3), begun b
where p.machines = 1 and p.since - b.since >= 86400000 and h.time - p.since <= 3600000
  and (h.sni is null or h.self_signed) and not regexp_matches(h.dst, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|127\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|22[4-9]\.|23[0-9]\.|255\.|f[cde]|ff|::1)')
qualify row_number() over (partition by h.ja3, h.src order by h.time, h.uid) = 1
