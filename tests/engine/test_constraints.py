"""Constraints on parts of parts: a patch state needs `device.os.version` or one of its neighbours."""

from __future__ import annotations

import json

import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.reference import interpret
from ocsf_pipe.mapping import compile_text, diagnose
from ocsf_pipe.testing.agreement import disagreements
from ocsf_pipe.testing.near import as_records

PATCHES = """\
mapping: acme.patches
product: {vendor_name: Acme, name: Patches}
input: {format: json}
every:
  time: at
  severity_id: 'Informational'
events:
  - class: patch_state
    activity_id: 'Log'
    device: {type_id: 'Server', hostname: host, os: {name: os, type_id: 'Linux', VERSION}}
"""
CONSTRAINED = PATCHES.replace("VERSION", "version: version, sp_name: pack")
WHOLE: dict[str, str | None] = {"at": "2026-01-31T12:00:00Z", "host": "h", "os": "Debian", "version": "12"}


def _written(record: dict[str, str | None]) -> tuple[int, list[str]]:
    """How many events one record gives, and why it gives none."""
    plan = compile_text(CONSTRAINED)
    records = as_records([json.dumps(record)])
    assert disagreements(DuckEngine(plan, threads=1), records) == []
    told = interpret(plan, records, clock=1)
    return told.written, [fault.reason for fault in told.faults]


@pytest.mark.parametrize("part", [{"version": "12"}, {"version": None, "pack": "SP 1"}, {"pack": "SP 1"}])
def test_any_of_the_named_parts_meets_the_constraint(part: dict[str, str | None]) -> None:
    """However deep it stands."""
    assert _written(WHOLE | part) == (1, [])


@pytest.mark.parametrize("lost", ["version", "os"])
def test_without_them_there_is_no_event(lost: str) -> None:
    """Nor where the object that holds them lacks what it requires, for then it is left out whole."""
    written, reasons = _written(WHOLE | {lost: None})
    assert written == 0
    (reason,) = reasons
    assert "device.os.version" in reason


def test_a_rule_that_maps_none_of_them_is_told_so() -> None:
    """By the compiler, with the names as they are written."""
    _, complaints = diagnose(PATCHES.replace(", VERSION", ""), "mapping.yaml")
    (complaint,) = complaints
    assert complaint.code == "M307"
    assert "`device.os.version`" in complaint.message
