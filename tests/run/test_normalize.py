"""The Python API: records in, tables out, without a lake."""

from __future__ import annotations

import inspect
import json
import typing
from pathlib import Path

import pyarrow as pa
import pytest

import ocsf_pipe
from ocsf_pipe import Lake, MappingError, UsageError, compile_mapping, normalize
from tests.run.acme import MAPPING, line, lines, taken_in, write_mapping

CLOCK = 1_770_710_400_000


def test_objects_texts_and_bytes_are_records() -> None:
    """All three say the same, and give the same event."""
    data = line(1).strip()
    tables = [normalize([one], "acme.door", clock=CLOCK).tables for one in (json.loads(data), data.decode(), data)]
    events = [found["authentication"].to_pylist()[0] for found in tables]
    assert [event["user"]["name"] for event in events] == ["p1"] * 3
    assert events[1] == events[2]
    assert events[0]["time"] == events[1]["time"]


def test_bad_records_are_in_quarantine_and_never_raise() -> None:
    """With rule, field and reason; what a rule drops is counted."""
    found = normalize(["{broken", b"\xff", {"door": "north"}, line(9, kind="heartbeat"), line(2)], "acme.door")
    assert "the record is not valid JSON" in found.quarantine["reason"].to_pylist()
    assert found.quarantine.num_rows == 3
    assert dict(found.dropped) == {"a heartbeat": 1}
    assert {name: table.num_rows for name, table in found.tables.items() if table.num_rows} == {"authentication": 1}


def test_a_mapping_is_a_name_a_path_or_a_plan(mappings: Path) -> None:
    """All three map alike."""
    path = mappings / "acme" / "door" / "mapping.yaml"
    found = [normalize([line(1)], one, clock=CLOCK).tables for one in ("acme.door", path, compile_mapping(path))]
    assert found[0]["authentication"].num_rows == 1
    assert found[0] == found[1] == found[2]


def test_a_mapping_that_is_none_is_an_error(tmp_path: Path) -> None:
    """Errors of the caller are raised."""
    with pytest.raises(UsageError, match="no mapping"):
        normalize([], "acme.dor")
    path = write_mapping(tmp_path, MAPPING.replace("user.name", "user.nam"))
    with pytest.raises(MappingError, match="M302"):
        normalize([], path)


def test_no_records_give_no_events() -> None:
    """An empty list is no fault."""
    found = normalize([], "acme.door")
    assert found.quarantine.num_rows == 0
    assert sum(table.num_rows for table in found.tables.values()) == 0


def test_a_lake_is_queried_by_sql_and_scanned(tmp_path: Path, lake: Path) -> None:
    """`sql` gives an Arrow table, `scan` a polars LazyFrame."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(9)))
    taken_in(lake, path)
    counted = Lake(lake).sql("select count(*) n from authentication")
    assert isinstance(counted, pa.Table)
    assert counted.to_pylist() == [{"n": 6}]
    assert Lake(lake).scan("authentication").collect().height == 6


def test_the_api_is_typed_and_documented() -> None:
    """Every public name has a docstring, every public function all its types."""
    assert (Path(inspect.getfile(ocsf_pipe)).parent / "py.typed").is_file()
    for name in ocsf_pipe.__all__:
        public = getattr(ocsf_pipe, name)
        assert public.__doc__, name
        if inspect.isfunction(public):
            hints = typing.get_type_hints(public)
            assert set(inspect.signature(public).parameters) | {"return"} == set(hints), name
