"""A small mapping of our own, records for it, and what a lake holds: what the tests of runs share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ocsf_pipe.lake import Lake
from ocsf_pipe.run import Ingest, Report

MAPPING = """\
mapping: acme.door
title: Acme Door
product: {vendor_name: Acme, name: Door}
input: {format: json, recognise: door is not null}
every: {time: at, severity_id: 'Informational'}
drop:
  - {when: "kind = 'heartbeat'", why: a heartbeat}
events:
  - name: open
    class: authentication
    when: kind = 'open'
    activity_id: 'Logon'
    user.name: who
    service.name: door
  - name: other
    class: base_event
    activity_id: 'Other'
    message: text
"""
FAULTY = MAPPING.replace("time: at", "time: att")
"""The same with a fault: no record has `att`, and so no event has a time."""


def write_mapping(folder: Path, text: str = MAPPING) -> Path:
    """Write the mapping where `OCSF_PIPE_MAPPINGS=folder` finds it; return its file."""
    path = folder / "acme" / "door" / "mapping.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def line(number: int, **more: object) -> bytes:
    """A good record, every third of another class, as a line of its own."""
    kind = "other" if number % 3 == 0 else "open"
    at = f"2026-02-10T08:{number // 60 % 60:02d}:{number % 60:02d}Z"
    record = {"door": "north", "at": at, "kind": kind, "who": f"p{number}", "text": f"t{number}", **more}
    return json.dumps(record).encode() + b"\n"


def lines(numbers: Iterable[int]) -> bytes:
    """Good records, a line each."""
    return b"".join(map(line, numbers))


def taken_in(lake: Path, *paths: Path, mapping: str | None = "acme.door", again: bool = False) -> Report:
    """Ingest files into a lake."""
    return Ingest(Lake(lake, create=True), mapping, again).run(paths)


def uids(lake: Path) -> Counter[str]:
    """`metadata.uid` of all events of all classes, with how often each is there."""
    opened = Lake(lake)
    tables = [name for name in opened.tables() if not name.startswith("_")]
    return Counter(
        uid for name in tables for uid in opened.sql(f"select metadata.uid as uid from {name}")["uid"].to_pylist()
    )


def refused(lake: Path) -> Counter[str]:
    """`record_uid` of all that is in quarantine, with how often each is there."""
    opened = Lake(lake)
    if "_quarantine" not in opened.tables():
        return Counter()
    return Counter(opened.sql("select record_uid from _quarantine")["record_uid"].to_pylist())


def verified(lake: Path) -> bool:
    """Whether every table has the rows that the finished batches wrote."""
    return all(verdict.holds for verdict in Lake(lake).verify())
