"""A table beside the mapping file is looked up by both engines, and changes with it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ocsf_pipe.mapping import compile_mapping
from ocsf_pipe.run.normalize import normalize

MAPPING = """\
mapping: acme.widget
product: {vendor_name: Acme, name: Widget}
input: {format: json}
every:
  time: at
  severity_id: 'Informational'
  message: {case: host, table: owners.csv, key: host, value: owner, else: 'nobody'}
events:
  - class: base_event
    activity_id: 'Other'
"""


@pytest.mark.parametrize("count", [3, 1200])
def test_a_value_is_found_in_its_column(tmp_path: Path, count: int) -> None:
    """A few records, which are interpreted, and many; a quoted comma belongs to the value; else the else."""
    folder = tmp_path / "acme" / "widget"
    folder.mkdir(parents=True)
    path = folder / "mapping.yaml"
    path.write_text(MAPPING)
    (folder / "owners.csv").write_text('level,host,owner\n1,mail,Post Office\n2,web,"Shop, online"\n')
    hosts = ["mail", "web", "gone"] * (count // 3)
    records = [orjson.dumps({"at": "2026-01-01T00:00:00Z", "host": host}) for host in hosts]
    before = compile_mapping(path)
    found = normalize(records, before).tables["base_event"]["message"].to_pylist()
    assert found == ["Post Office", "Shop, online", "nobody"] * (count // 3)
    (folder / "owners.csv").write_text("host,owner\nmail,Mail Team\n")
    after = compile_mapping(path)
    assert normalize(records[:1], after).tables["base_event"]["message"].to_pylist() == ["Mail Team"]
    assert before.digest != after.digest
