/*
title: Identity provider or trust changed, then used
id: 858d9db8-602c-506c-a26a-b7b3a949f288
description: A SAML or OpenID Connect provider is made or changed, or the trust policy of a role is, and within a day somebody enters through it.
level: critical
status: test
tags: [attack.persistence, attack.t1484.002, attack.t1606.002]
falsepositives:
  - The roll-out of single sign-on
reads: [account_change, entity_management, authentication]
*/
with changed as (
  select time, metadata.uid as uid, actor.user.name as name, api.operation as operation, cloud.account.uid as account, lower(coalesce(entity.uid, '')) as provider, null as role
  from entity_management
  where status_id = 1 and api.operation in ('CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider', 'UpdateOpenIDConnectProviderThumbprint', 'AddClientIDToOpenIDConnectProvider')
  union all
  select time, metadata.uid, actor.user.name, api.operation, cloud.account.uid, null, lower(user.name)
  from account_change where status_id = 1 and api.operation = 'UpdateAssumeRolePolicy' and user.name is not null
), entered as (
  select time, metadata.uid as uid, lower(coalesce(actor.idp.uid, '')) as provider, cloud.account.uid as account,
         lower(regexp_extract(coalesce(json_extract_string(api.request.data, '$.roleArn'), session.issuer, ''), '[^/]+$')) as role, user.name as who, src_endpoint.ip as ip, api.operation as operation
  from authentication
  where status_id = 1 and api.operation in ('AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRole')
)
select e.time, c.name as entity, [c.uid, e.uid] as event_uids, c.operation as changed_by, e.operation as entered_by, e.role, e.who, e.ip
from changed c
join entered e on e.account = c.account and e.time between c.time and c.time + 86400000
  and ((c.provider <> '' and (e.provider = c.provider or ends_with(c.provider, '/' || e.provider)) and e.provider <> '') or c.role = e.role)
qualify row_number() over (partition by c.uid order by e.time, e.uid) = 1
