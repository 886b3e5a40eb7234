"""What counts as a conversion that failed: a value was there and its attribute is null."""

from __future__ import annotations

import pyarrow as pa
import pytest

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
    src_endpoint: {name: name, ip: ip, mac: mac, port: port}
"""


@pytest.mark.parametrize(
    ("record", "failed"),
    [
        ('{"at":"2026-02-10T00:00:00Z","name":"a","ip":"none"}', "src_endpoint.ip"),
        ('{"at":"2026-02-10T00:00:00Z","name":"a","mac":"n/a"}', "src_endpoint.mac"),
        ('{"at":"2026-02-10T00:00:00Z","name":"a","port":"70000"}', "src_endpoint.port"),
        ('{"at":"2026-02-10T00:00:00Z","name":"a","ip":"192.0.2.1","mac":null,"port":""}', None),
    ],
)
def test_what_its_type_refuses_has_failed(record: str, failed: str | None) -> None:
    """Text that an address or number type refuses is counted by both engines, and stays in `unmapped`."""
    plan = compile_text(MAPPING)
    raw = pa.array([record], pa.large_string())
    records = Records(raw=raw, position=pa.array([0], pa.int64()), sub=pa.array([0], pa.int32()), end=len(record))
    told, done = interpret(plan, records, clock=0), DuckEngine(plan).run(records, clock=0)
    assert [one.attribute for one in told.failed] == [one.attribute for one in done.failed] == [failed] * bool(failed)
    left = done.tables["network_activity"]["unmapped"][0].as_py()
    assert (left or "").count(":") == bool(failed)
