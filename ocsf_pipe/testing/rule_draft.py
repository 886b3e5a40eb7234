"""A new rule with everything that belongs to it, as text to go on from."""

from __future__ import annotations

import json
import uuid

_SIGMA = """\
title: {title}
id: {id}
status: experimental
description: TODO say what an attacker does, and why this finds it.
references: []
author: TODO
level: medium
tags: []                      # attack.t1078, atlas.aml.t0051 ...
logsource: {{product: aws, service: cloudtrail}}   # TODO what the mapping's `sigma:` declares
detection:
  selection:
    eventName: TODO
  condition: selection
falsepositives: []
"""
_SQL = """\
/*
title: {title}
id: {id}
status: experimental
description: TODO say what an attacker does, and why this finds it.
level: medium
tags: []
falsepositives: []
reads: [api_activity]
*/
select "time",
       [metadata.uid] as event_uids,          -- the evidence
       actor.user.name as entity,             -- whom it concerns
       api.operation as operation             -- any other column is a detail of the finding
from api_activity
where api.operation = 'TODO'
"""
_SETTINGS = """\
schedule: 5m                  # how often a scheduled run asks the rule
risk: {impact: 50, confidence: 50}
# dedup: {keys: [entity], window: 1h}
owner: TODO
runbook: playbook.md
"""
_TESTS = """\
- name: TODO what must be found
  mapping: {mapping}
  records:
    - {record}
  expect: {{exactly: 1}}
- name: TODO what looks like it and is none
  mapping: {mapping}
  records:
    - {record}
  expect: 0
"""
_PLAYBOOK = """\
# {title}

## Triage

TODO

## Queries

```sql
select "time", actor.user.name, api.operation from api_activity order by "time" desc limit 20
```

## Containment

TODO
"""


def draft(title: str, mapping: str, *, sql: bool) -> dict[str, str]:
    """The files of a new rule by name; its tests fail until they are written."""
    said = {"title": title, "id": str(uuid.uuid4())}
    record = json.dumps({"TODO": "a raw record of the source"})
    return {
        "rule.sql" if sql else "rule.yml": (_SQL if sql else _SIGMA).format(**said),
        "settings.yml": _SETTINGS,
        "tests.yml": _TESTS.format(mapping=mapping, record=record),
        "playbook.md": _PLAYBOOK.format(**said),
    }
