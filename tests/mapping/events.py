"""The events that a mapping text gives for records, by the reference interpreter."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.reference import Told, interpret
from ocsf_pipe.mapping import compile_text

REST = """\
mapping: acme.widget
product: {vendor_name: Acme, name: Widget, version: '2'}
"""
CATCH_ALL = """\
  - class: base_event
    activity_id: 'Other'
"""


def mapping(events: str = CATCH_ALL, every: str = "", *, head: str = "", fields: str = "") -> str:
    """A whole mapping text around some event rules and lines of `every`; the catch-all stands last."""
    return (
        f"{head}{REST}input: {{format: json, fields: {{{fields}}}}}\n"
        f"every:\n  time: at\n  severity_id: 'Unknown'\n{every}events:\n{events}"
        + (CATCH_ALL if CATCH_ALL not in events else "")
    )


def told(text: str, *records: dict[str, Any]) -> Told:
    """Everything the interpreter says of these records; `at` is filled in where it is missing."""
    plan = compile_text(text)
    raw = [json.dumps({"at": "2026-01-31T12:00:00Z", **record}).encode() for record in records]
    return interpret(plan, FORMATS["json"].parse(pa.array(raw, pa.large_binary()), {}), clock=1)


def events(text: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of all classes, in the order of the classes' names."""
    found = told(text, *records).events
    return [event for name in sorted(found) for event in found[name]]


def event(text: str, record: dict[str, Any]) -> dict[str, Any]:
    """The one event of one record."""
    (found,) = events(text, record)
    return found
