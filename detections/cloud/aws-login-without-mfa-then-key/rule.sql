/*
title: AWS console login without MFA, then a new credential
id: 42a47547-54d7-5b47-ac7e-894ef1edb2c3
description: A person signs in to the console with a password alone and makes an access key or a console password within the hour. Each is common, the two together are how a stolen password becomes lasting access.
level: high
status: test
tags: [attack.persistence, attack.t1098.001, attack.t1078.004]
falsepositives:
  - A new administrator who sets up an account before MFA is enforced
reads: [authentication, account_change]
*/
with logins as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, src_endpoint.ip as ip
  from authentication
  where api.operation = 'ConsoleLogin' and status_id = 1 and not coalesce(is_mfa, false) and actor.user.uid is not null
), keys as (
  select time, metadata.uid as uid, actor.user.uid as who, api.operation as operation, user.name as target, src_endpoint.ip as ip
  from account_change
  where api.operation in ('CreateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', 'CreateServiceSpecificCredential')
    and status_id = 1
)
-- A federated session signs in without MFA as far as AWS sees; it has no IAM user's ARN.
select k.time, l.name as entity, [l.uid, k.uid] as event_uids, k.operation, k.target, l.ip as login_ip, k.ip as key_ip
from keys k join logins l on l.who = k.who and k.time between l.time and l.time + 3600000
where contains(l.who, ':user/') or ends_with(l.who, ':root')
qualify row_number() over (partition by k.uid order by l.time desc) = 1
