/*
title: Fresh administrator weakens sign-in protection
id: 6748eba5-22a2-5915-9a94-a0763d185f82
description: Somebody is given administrator rights in the identity provider and within a day changes a sign-on policy, a network zone, an identity provider or an authenticator.
level: critical
status: test
tags: [attack.persistence, attack.privilege-escalation, attack.t1098, attack.t1556]
falsepositives:
  - A new administrator at work; the change has a ticket
reads: [user_access, entity_management]
*/
with granted as (
  select time, metadata.uid as uid, lower(user.name) as who, actor.user.name as name, privileges from user_access
  where activity_id = 1 and status_id = 1 and user.name is not null
    and regexp_matches(lower(array_to_string(privileges, ' ')), 'admin|owner')
), changed as (
  select time, metadata.uid as uid, lower(actor.user.name) as who, metadata.event_code as code, entity.name as what from entity_management
  where status_id = 1 and actor.user.name is not null
    and (regexp_matches(metadata.event_code, '^(policy|zone|system\.idp|security\.authenticator|system\.mfa|org_sso|org_ip|scim|ip_allowlist)')
         or regexp_matches(lower(coalesce(metadata.event_code, '')), 'idp|factor|sign_on'))
)
select c.time, c.who as entity, [g.uid, c.uid] as event_uids, c.code, c.what, g.name as granted_by
from granted g join changed c on c.who = g.who and c.time between g.time and g.time + 86400000
qualify row_number() over (partition by g.uid order by c.time, c.uid) = 1
