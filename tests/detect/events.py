"""Small Windows events, written by hand, and what the program makes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from ocsf_pipe.detect.backtest import Backtest, Outcome, connection_of
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.run.normalize import normalize

Event = dict[str, Any]
SYSMON = "Microsoft-Windows-Sysmon"


def sysmon(code: int, *, at: str = "2026-02-10 08:00:00.000", record: int = 1, **data: str | None) -> Event:
    """One Sysmon event as `evtx_dump` writes it."""
    system = {
        "Provider": {"#attributes": {"Name": SYSMON}},
        "EventID": code,
        "EventRecordID": record,
        "Channel": f"{SYSMON}/Operational",
        "Computer": "ws1.corp.example",
        "TimeCreated": {"#attributes": {"SystemTime": at.replace(" ", "T") + "Z"}},
    }
    return {"Event": {"System": system, "EventData": {"UtcTime": at, **data}}}


def process(command: str | None, *, image: str = "C:\\Windows\\cmd.exe", record: int = 1, **data: str | None) -> Event:
    """A process that was created."""
    facts: Event = {"Image": image, "CommandLine": command, "ProcessId": "42", "ParentProcessId": "7", **data}
    return sysmon(1, record=record, **facts)


def logged(channel: str, provider: str, code: int, data: Event | list[str], *, record: int = 1) -> Event:
    """One event of any other log, with named values or unnamed ones."""
    event = sysmon(code, record=record)["Event"]
    event["System"] |= {"Provider": {"#attributes": {"Name": provider}}, "Channel": channel}
    event["EventData"] = {"Data": {"#text": data}} if isinstance(data, list) else data
    return {"Event": event}


def security(code: int, *, record: int = 1, **data: str | None) -> Event:
    """One event of the Security log."""
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
        "EventID": code,
        "EventRecordID": record,
        "Channel": "Security",
        "Computer": "ws1.corp.example",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-02-10T08:00:00Z"}},
    }
    return {"Event": {"System": system, "EventData": dict(data)}}


@cache
def plans() -> tuple[Plan, ...]:
    """The mappings of Windows events and of CloudTrail."""
    windows = (
        "sysmon",
        *(f"windows_{name}" for name in ("security", "powershell", "defender", "system", "application", "channels")),
    )
    names = ("aws.cloudtrail", *(f"microsoft.{name}" for name in windows))
    return tuple(catalogue()[name].plan for name in names)


def lake(mapping: str, events: Sequence[Event]) -> duckdb.DuckDBPyConnection:
    """A connection over the events that a mapping makes of these."""
    return connection_of([normalize(events, mapping, clock=0).tables])


def outcomes(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> list[Outcome]:
    """What becomes of the rules over a connection."""
    return Backtest(connection, plans()).run(rules)


def written(folder: Path, *texts: str) -> list[Rule]:
    """The rules of these texts, one file each."""
    for i, text in enumerate(texts):
        (folder / f"rule{i}.yml").write_text(text, encoding="utf-8")
    return load_rules([folder])


def rule_text(
    detection: str,
    *,
    category: str = "process_creation",
    service: str = "",
    title: str = "A rule",
    more: str = "",
) -> str:
    """A Sigma file over one category or one service of Windows."""
    of = f"service: {service}" if service else f"category: {category}"
    body = "\n".join(f"    {line}" for line in detection.strip().splitlines())
    return (
        f"title: {title}\nname: {title.lower().replace(' ', '_')}\nstatus: test\n"
        f"logsource:\n    product: windows\n    {of}\ndetection:\n{body}\n{more}"
    )


def parsed(event: Event) -> Any:
    """The event as the decoder gives it, for the oracle."""
    import pyarrow as pa

    from ocsf_pipe.decode import FORMATS

    text = json.dumps(event).encode()
    found = FORMATS["windows_event"].parse(pa.array([text], pa.large_binary()), {})
    assert found.json is not None
    return json.loads(found.json[0].as_py())
