"""Rules that make several events of one record: what they go over, and how their events stay apart."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.errors import MappingError
from ocsf_pipe.mapping.compile import compile_text
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.source import Records

MAPPING = """
mapping: test.fan_out
title: Calls
ocsf: 1.8.0
product: {vendor_name: Test, name: Test}
input: {format: json, recognise: at is not null}
let:
  allowed: {each: calls, as: c, where: c.verdict = 'allow'}
  size: coalesce(bytes, octets)
every:
  time: at
  severity_id: 'Informational'
events:
  - name: call
    class: base_event
    also: true
    for_each: allowed as one
    activity_id: 'Other'
    message: one.name
  - name: whole
    class: base_event
    activity_id: 'Other'
    count: size
"""


def events(text: str, plan: Plan) -> list[dict[str, Any]]:
    """The base events of one record, in the order of their ids."""
    raw = pa.array([text], pa.large_string())
    records = Records(raw, pa.array([0], pa.int64()), pa.array([0], pa.int32()), len(text))
    tables = DuckEngine(plan, threads=1).run(records, clock=0).tables
    return sorted(tables["base_event"].to_pylist(), key=lambda event: str(event["metadata"]["uid"]))


RECORD = '{"at":"2026-01-01T00:00:00Z","calls":[{"name":"a","verdict":"deny"},{"name":"b","verdict":"allow"}]}'


def test_a_let_may_hold_the_elements_that_satisfy_a_condition() -> None:
    """`each` with `where` and without `set` is the list of the elements themselves; their fields are read by path."""
    found = events(RECORD, compile_text(MAPPING))
    assert [event["message"] for event in found] == [None, "b"]


def test_events_of_one_record_have_ids_of_their_own() -> None:
    """The derived id of a fanned out event is that of the record with the rule's name and the element's number."""
    whole, call = (event["metadata"]["uid"] for event in events(RECORD, compile_text(MAPPING)))
    assert call == f"{whole}#call.1"


def test_what_failed_to_convert_inside_a_let_stays_in_unmapped() -> None:
    """A value that reached its attribute through a let is put back like any other."""
    record = '{"at":"2026-01-01T00:00:00Z","bytes":"many","count_of":1}'
    (event,) = events(record, compile_text(MAPPING))
    assert event["count"] is None
    assert '"bytes":"many"' in event["unmapped"]


def test_each_makes_nothing_of_an_attribute_without_set() -> None:
    """Right of an attribute, `each` says what to make of the elements."""
    text = MAPPING.replace("    message: one.name\n", "    metadata.labels: {each: calls}\n")
    with pytest.raises(MappingError, match="`set` is missing beside `each`"):
        compile_text(text)
