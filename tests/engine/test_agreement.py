"""Two engines, one meaning: on samples, on records that are nearly samples, and on mappings made up at random."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.source import Records
from ocsf_pipe.testing.agreement import disagreements
from ocsf_pipe.testing.mappings import RECORDS, generated_plan
from ocsf_pipe.testing.near import as_records, near_texts
from tests.engine.agreement_cases import SHIPPED, documents, engine, runs


@pytest.mark.parametrize("name", SHIPPED)
def test_both_engines_agree_on_a_shipped_mapping(name: str) -> None:
    """On its samples in any format, and on records that are nearly samples: every event, reject and failure.

    Nearly: keys gone, kinds changed, numbers too large, texts that are no JSON; cells swapped or written otherwise.
    """
    found = [said for records in runs(name) for said in disagreements(engine(name), records)]
    texts = documents(name)
    if texts:
        found += disagreements(engine(name), as_records(list(near_texts(texts, seed=7, count=60))))
    rng = random.Random(7)
    tables = [records for records in runs(name) if records.columns is not None]
    found += [said for records in tables for said in disagreements(engine(name), _mutated(records, rng))]
    assert found == []


def _mutated(records: Records, rng: random.Random) -> Records:
    """The same records three times over, each cell changed now and then."""
    table = records.columns if records.columns is not None else pa.table({})
    words = ["", "-", "x" * 300, "99999999999999999999", "1e999", "NaN", "a\x00b", "é", "::1", "T", "[]", "1.5", None]
    cells = {
        name: pa.array(
            [rng.choice([*words, *column]) if rng.random() < 0.2 else cell for cell in column * 3], pa.large_string()
        )
        for name in table.column_names
        for column in [table[name].to_pylist()]
    }
    count = len(records) * 3
    raw = pa.array(records.raw.to_pylist() * 3, pa.large_string())
    zeros = pa.array([0] * count, pa.int32())
    return Records(raw, pa.array(range(count), pa.int64()), zeros, count, None, pa.table(cells))


@pytest.mark.parametrize("seed", range(6))
def test_both_engines_agree_on_a_mapping_made_up_at_random(seed: int) -> None:
    """Whatever the compiler accepts, on records that its rules nearly take."""
    text, plan = generated_plan(seed)
    texts = [*RECORDS, *near_texts(RECORDS, seed=seed, count=60)]
    assert disagreements(DuckEngine(plan, threads=1), as_records(texts)) == [], text


ODD = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json, records: "Records[*]", fields: {n: integer, at: timestamp}}
every:
  time: at
  count: n
  message: text
  metadata.labels: tags
  status_detail: >-
    "x/y".z
events:
  - class: base_event
    when: id is not null
    metadata.event_code: id
    activity_id: 'Other'
    severity_id: 'Informational'
    metadata.tags: {each: items, set: {name: name, value: value}}
  - name: other
    class: base_event
    metadata.event_code: ID
    activity_id: 'Other'
    severity_id: 'Informational'
"""
AT = '"at":"2026-01-01T00:00:00Z"'


@pytest.mark.parametrize(
    "text",
    [
        f'{{{AT},"id":"a","ID":"b"}}',
        f'{{{AT},"ID":"b"}}',
        f'{{{AT},"x\\/y":{{"z":null}}}}',
        f'{{{AT},"x\\u002fy":{{"w":1}}}}',
        f'{{{AT},"x/y":{{"z":[]}}}}',
        f'{{"\\u0052ecords":[{{{AT}}}]}}',
        f'{{{AT},"id":1,"id":2,"x":1,"x":2}}',
        f'{{{AT},"tags":[null,null],"items":[null,{{}},{{"name":"a","value":"b"}}]}}',
        f'{{{AT},"tags":[],"items":[]}}',
        f'{{{AT},"n":9223372036854775808,"text":"\\u0000"}}',
        f'{{{AT},"n":NaN,"text":1e16,}}',
        f'{{{AT},"text":"\\ud800"}}',
        '{"at":"1601-01-01T00:00:00Z"}',
        '{"at":"9999-12-31T23:59:59.999-14:00"}',
        '{"at":"0001-01-01T00:00:00+14:00"}',
        '{"at":"292278994-08-17T07:12:55Z"}',
        "null", "null{}", " null ", "[]", "1", '"text"', "", " ", " {}", "{", "[1", '{"a":1}{"b":2}',
        f'{{"Records":[{{{AT}}},null,1,[],{{{AT},"id":"x"}}],"other":1}}',
        '{"Records":{}}', '{"Records":null}', '{"Records":[]}',
        '{"a":' * 5000 + "1" + "}" * 5000,
    ],
)  # fmt: skip
def test_both_engines_agree_on_what_is_odd(text: str) -> None:
    """Keys that differ by case or come twice, nulls in lists, times at the edge, documents that are no objects."""
    plan = compile_text(ODD, "mappings/some/source/mapping.yaml")
    good = f'{{{AT},"id":"good"}}'
    assert disagreements(DuckEngine(plan, threads=1), as_records([good, text, good])) == []
