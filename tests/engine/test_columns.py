"""Records that are text columns: what they have no part of is null."""

from __future__ import annotations

import pyarrow as pa

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.reference import interpret
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.source import Records

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json}
events:
  - class: network_activity
    time: at
    severity_id: 'Informational'
    activity_id: 'Traffic'
    src_endpoint.ip: coalesce("id.orig_h", id.orig_h)
    src_endpoint.name: id.name
"""


def test_column_has_no_parts() -> None:
    """A path into a column is null in both engines, whether or not there is such a column, which stays as it is."""
    plan = compile_text(MAPPING)
    columns = pa.table({"at": ["2026-02-10"], "id.orig_h": ["192.0.2.1"], "id": ["seven"]})
    columns = columns.cast(pa.schema([(name, pa.large_string()) for name in columns.column_names]))
    raw = pa.array(["2026-02-10\t192.0.2.1\tseven"], pa.large_string())
    place = {"position": pa.array([0], pa.int64()), "sub": pa.array([0], pa.int32())}
    records = Records(raw=raw, **place, end=1, columns=columns)
    event = interpret(plan, records, clock=0).events["network_activity"][0]
    table = DuckEngine(plan).run(records, clock=0).tables["network_activity"]
    assert event["src_endpoint"] == {"ip": "192.0.2.1"}
    assert event["unmapped"] == table["unmapped"][0].as_py() == '{"id":"seven"}'
    assert table["src_endpoint"][0].as_py()["ip"] == "192.0.2.1"
