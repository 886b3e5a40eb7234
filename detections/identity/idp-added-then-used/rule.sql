/*
title: Identity provider added, then used to sign in
id: dcb26e6a-90e5-55c6-abcc-99e9acfddaae
description: "A new inbound identity provider is set up or changed in Okta and within two days a person signs in through it: a way to be anybody without a password."
level: critical
status: test
tags: [attack.persistence, attack.t1484.002]
falsepositives:
  - Onboarding of a partner or merger
reads: [entity_management, authentication]
*/
with added as (
  select time, metadata.uid as uid, actor.user.name as name, entity.name as provider from entity_management
  where metadata.event_code in ('system.idp.lifecycle.create', 'system.idp.lifecycle.update', 'system.idp.lifecycle.activate') and status_id = 1
), used as (
  select time, metadata.uid as uid, user.name as who, src_endpoint.ip as ip from authentication
  where metadata.event_code in ('user.authentication.auth_via_IDP', 'user.authentication.auth_via_inbound_SAML', 'user.authentication.auth_via_social') and status_id = 1
)
select u.time, a.name as entity, [a.uid, u.uid] as event_uids, a.provider, u.who, u.ip
from added a join used u on u.time between a.time and a.time + 172800000
-- Somebody who had entered that way before does not tell of a new door.
where not exists (from used o where o.who = u.who and o.time < a.time)
qualify row_number() over (partition by a.uid order by u.time, u.uid) = 1
