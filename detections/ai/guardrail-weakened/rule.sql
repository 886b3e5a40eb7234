/*
title: AI-05 Guardrail deleted or weakened
id: 4189e397-cfe3-5866-9792-25493e1b9094
description: "A guardrail, an automated reasoning policy or an inference hook is deleted or switched off, or updated so that a filter has no strength or a policy is missing. An update replaces the whole guardrail: what it does not name is gone."
level: high
status: test
tags: [owasp.llm01, atlas.aml.t0081, attack.t1562.001, attack.t1562.008]
falsepositives:
  - Planned changes; the deployment role does them
reads: [api_activity, entity_management]
*/
select time, actor.user.name as entity, [metadata.uid] as event_uids, api.operation as operation,
       coalesce(json_extract_string(api.request.data, '$.guardrailIdentifier'), json_extract_string(api.request.data, '$.policyArn')) as guardrail, source
from api_activity
where status_id = 1 and api.service.name = 'bedrock.amazonaws.com' and (
  api.operation in ('DeleteGuardrail', 'DeleteAutomatedReasoningPolicy', 'DeleteEnforcedGuardrailConfiguration', 'DeleteResourcePolicy', 'DeleteAccountEnforcedGuardrailConfiguration')
  or (api.operation = 'UpdateGuardrail' and (
    regexp_matches(cast(api.request.data as varchar), '"(input|output)Strength": ?"NONE"')
    or regexp_matches(cast(api.request.data as varchar), '"(input|output)(Action|Enabled)": ?("NONE"|false)')
    or not contains(cast(api.request.data as varchar), 'contentPolicyConfig'))))
union all
select time, coalesce(actor.user.email_addr, actor.user.name), [metadata.uid], metadata.event_code, coalesce(entity.name, entity.uid), source
from entity_management
where coalesce(status_id, 1) = 1 and starts_with(coalesce(metadata.event_code, ''), 'inference_hook') and activity_name in ('Delete', 'Disable', 'Deactivate')
