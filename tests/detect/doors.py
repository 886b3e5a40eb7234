"""A lake of Windows processes that grows batch by batch, rules over it, and the findings in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from ocsf_pipe.detect.rules import load_rules
from ocsf_pipe.detect.watching import Watch
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.detecting import Detecting
from ocsf_pipe.run.ingest import Ingest
from ocsf_pipe.schema import load
from tests.detect.events import plans, process

SINGLE = """title: A bad process
id: 11111111-8a4b-4e0b-9a55-0f4a1b2c3d4e
level: high
status: stable
tags: [attack.execution, attack.t1059.001, atlas.aml.t0051.000, owasp.llm01]
description: It says so itself.
logsource: {product: windows, category: process_creation}
detection:
  s: {CommandLine|contains: bad}
  condition: s
"""
BURST = """/*
title: Many bad processes
id: 22222222-8a4b-4e0b-9a55-0f4a1b2c3d4e
level: critical
reads: [process_activity]
*/
with bad as (
  select "time", metadata.uid as uid, device.hostname as host,
         count(*) over minute as n, list(metadata.uid) over minute as uids
  from process_activity where process.cmd_line like '%bad%'
  window minute as (partition by device.hostname order by "time" range between 60000 preceding and current row))
select "time", uids as event_uids, host as entity, uid as key, n from bad where n = 3
"""
PAIR = """title: Alpha
name: alpha
id: 33333333-8a4b-4e0b-9a55-0f4a1b2c3d4e
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: alpha}, condition: s}
---
title: Beta
name: beta
id: 44444444-8a4b-4e0b-9a55-0f4a1b2c3d4e
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: beta}, condition: s}
---
title: Alpha and beta
id: 55555555-8a4b-4e0b-9a55-0f4a1b2c3d4e
level: medium
correlation:
  type: temporal
  rules: [alpha, beta]
  group-by: [Image]
  timespan: 1m
"""


def rules_in(folder: Path, **settings: str) -> Path:
    """Three rules in folders: of single events, in SQL, and a correlation; `settings` by the folder's name."""
    for name, file, text in (("single", "rule.yml", SINGLE), ("burst", "rule.sql", BURST), ("pair", "rule.yml", PAIR)):
        place = folder / "rules" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(text)
        if name in settings:
            (place / "settings.yml").write_text(settings[name])
    return folder / "rules"


def grow(folder: Path, name: str, commands: Sequence[tuple[str, str]]) -> Lake:
    """Take a batch of processes into the lake of a folder: command lines with their time of 2026-02-10."""
    events = [
        process(command, record=crc32(f"{name} {i}".encode()), UtcTime=f"2026-02-10 {at}.000")
        for i, (command, at) in enumerate(commands)
    ]
    file = folder / f"{name}.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    lake = Lake(folder / "lake", create=True)
    Ingest(lake, "microsoft.sysmon").run([file])
    return lake


def detecting(folder: Path) -> Detecting:
    """The rules of a folder over its lake."""
    watch = Watch(load_rules([folder / "rules"]), plans(), load())
    return Detecting(Lake(folder / "lake"), watch, "test")


def once(folder: Path) -> int:
    """Ask all rules of what is new; how many findings came of it."""
    run = detecting(folder)
    rounds = [run.turn(pace, keep=True) for pace in run.paces]
    return sum(len(one.findings) for one in rounds if one is not None)


def findings(folder: Path) -> list[dict[str, Any]]:
    """The findings in the lake of a folder, by time."""
    lake = Lake(folder / "lake")
    if "detection_finding" not in lake.tables():
        return []
    found: list[dict[str, Any]] = lake.sql('select * from detection_finding order by "time", metadata.uid').to_pylist()
    return found
