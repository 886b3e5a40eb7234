/*
title: AI-22 Stolen cloud access used to call models
id: 7f5cd5f9-1d06-5ef7-b5e9-d2fd5d90f67f
description: A principal is refused at least three times on different models or regions within 30 minutes; or it asks which models there are and calls one within an hour, from an address from which it had never called a model.
level: high
status: test
tags: [owasp.llm10, atlas.aml.t0040, atlas.aml.t0012, atlas.aml.t0091.000, attack.t1496, attack.t1078.004]
falsepositives:
  - A developer who tries models for the first time from home
reads: [api_activity]
*/
with calls as (
  select time, metadata.uid as uid, actor.user.uid as who, actor.user.name as name, src_endpoint.ip as ip, cloud.region as region, api.operation as operation,
         coalesce(ai_model.name, json_extract_string(api.request.data, '$.modelId'), '') as model, status_id as status,
         api.operation in ('InvokeModel', 'InvokeModelWithResponseStream', 'Converse', 'ConverseStream') as invokes,
         api.operation in ('ListFoundationModels', 'GetFoundationModelAvailability', 'GetUseCaseForModelAccess', 'PutUseCaseForModelAccess', 'PutFoundationModelEntitlement', 'CreateFoundationModelAgreement',
                           'ListFoundationModelAgreementOffers', 'GetModelInvocationLoggingConfiguration', 'ListInferenceProfiles') as explores
  from api_activity where source = 'aws.cloudtrail' and starts_with(api.service.name, 'bedrock') and actor.user.uid is not null
), refused as (
  select *, count(distinct region || '/' || model) over (partition by who order by time range between 1800000 preceding and current row) as targets
  from calls where invokes and status = 2
), bursts as (
  select * from refused where targets >= 3
  qualify coalesce(time - lag(time) over (partition by who order by time, uid) > 1800000, true)
)
select b.time, b.name as entity, list_sort(list(distinct r.uid))[1:100] as event_uids, 'refused on ' || b.targets || ' models and regions' as reason, b.ip
from bursts b join refused r on r.who = b.who and r.time between b.time - 1800000 and b.time
group by b.time, b.name, b.uid, b.targets, b.ip
union all
select i.time, i.name, list_sort(list_distinct([e.uid, i.uid])), 'explored, then called ' || i.model, i.ip
from calls i join calls e on e.who = i.who and e.ip = i.ip and e.explores and e.time between i.time - 3600000 and i.time
where i.invokes and i.status = 1
  and not exists (from calls o where o.who = i.who and o.ip = i.ip and o.invokes and o.status = 1 and o.time < e.time)
qualify row_number() over (partition by i.who, i.ip order by i.time, e.time) = 1
