"""The time of the batch in an expression."""

from __future__ import annotations

from io import BytesIO

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.reference import interpret
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.testing.agreement import disagreements

MAPPING = """
mapping: test.clock
title: Times without a year
ocsf: 1.8.0
product: {vendor_name: V, name: P}
input: {format: json}
let:
  seen: with_year(at, processed_time())
every:
  time: coalesce(to_timestamp(seen), processed_time())
events:
  - class: base_event
    activity_id: 'Other'
    severity_id: 'Informational'
"""
MARCH_2026 = 1_772_323_200_000


def test_the_clock_of_the_batch_gives_years_and_times() -> None:
    """The same batch mapped at another time has other years; both engines agree; what has a time keeps it."""
    plan = compile_text(MAPPING)
    lines = b'{"at":"--12-01T00:00:00"}\n{"at":"--02-01T00:00:00"}\n{"at":"2001-01-01"}\n{}\n'
    [records] = FORMATS["json"].read(BytesIO(lines), {})
    engine = DuckEngine(plan)
    assert disagreements(engine, records, clock=MARCH_2026) == []
    told = interpret(plan, records, clock=MARCH_2026)
    assert told.faults == []
    table = engine.run(records, clock=MARCH_2026).tables["base_event"]
    assert [at // 1000 for at in table["time"].to_pylist()] == [1764547200, 1769904000, 978307200, 1772323200]
