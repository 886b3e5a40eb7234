"""Records that are cut by their skeleton mean what they mean to a parser, and those that cannot be are left to it."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.skeleton import ROWS, blocks
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.testing.agreement import disagreements
from ocsf_pipe.testing.near import as_records

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json, fields: {n: integer, at: timestamp}}
every:
  time: at
  count: n
  message: text
  metadata.uid: who.id
  metadata.labels: tags
  status_detail: who.deep.name
  status_code: case when there is not null then coalesce(there.a, 'there') end
events:
  - class: base_event
    when: id is not null
    metadata.event_code: id
    activity_id: 'Other'
    severity_id: 'Informational'
    metadata.tags: {each: items, set: {name: name, value: value}}
  - name: other
    class: base_event
    metadata.event_code: other
    activity_id: 'Other'
    severity_id: 'Informational'
leave: [left]
"""
AT = '"at":"2026-01-01T00:00:00Z"'
PLAN = compile_text(MAPPING, "mappings/some/source/mapping.yaml")

SOUND = [
    f'{{{AT},"id":"a","n":1,"text":"é\\n\\"x\\\\","who":{{"id":"u","deep":{{"name":"d"}}}},"rest":{{"a":[1,{{}},"b"],"b":{{}}}}}}',
    f'{{"first":null,{AT},"who":{{"id":null,"deep":null,"more":-0.5}},"left":1,"last":51.9225}}',
    f'{{{AT},"who":null,"tags":["a","b"],"items":[{{"name":"x","value":"y"}}],"there":{{}}}}',
    f'{{{AT},"who":{{"deep":{{"name":"only"}}}},"there":{{"a":1}}}}',
    f'{{{AT},"text":{{"a":[true,"x"]}},"n":"7","there":null}}',
    f'{{{AT},"n":"no number","text":["a"],"who":{{"id":1700000000.123456}}}}',
    f'{{{AT},"text":"","":{{"":""}}}}',
]
UNSOUND = [
    f'{{{AT},"text":1"b","n":}}',
    f'{{{AT},"n":1.50,"x":1E5,"y":-0,"z":100000000000000000000}}',
    f'{{{AT}, "text": "spaced"}}',
    f'{{{AT},"text":"\\u0041\\/"}}',
    f'{{{AT},"text":"a\tb"}}',
    f'{{{AT},"text":"a',
    f'{{{AT},"n":1',
    f'{{{AT},"n":1{{"a":2}}}}',
    f'{{{AT},"who":"text"}}',
    f'{{{AT},"who":[{{"id":1}}]}}',
    f'{{{AT},"who":true}}',
    f'{{{AT},"items":"text","tags":{{"a":1}}}}',
    f'{{{AT},"id":1,"id":2}}',
    f'{{{AT},"a\\"b":1}}',
    f'{{{AT},"list":[{{"who":{{}}}}]}}',
    f'{{{AT},"x":tru}}',
    f'{{{AT},"x":[1,]}}',
    f'{{{AT},"x":["a":1]}}',
    f'{{{AT},"x"}}',
    f"{{{AT},}}",
    '":1}', "}", "{", '{"', '"', '{"a"', '{"a":', "{}", "null", "[]", "",
    '"a":"b"', '\\"', '{"a":"\\"}',
]  # fmt: skip


def _engine() -> DuckEngine:
    return DuckEngine(PLAN, threads=1, least=1)


def test_sound_records_fit_and_mean_the_same() -> None:
    """Text with escapes, empty and null objects, containers where text is read, values that do not convert."""
    engine = _engine()
    assert disagreements(engine, as_records(SOUND * 3)) == []
    assert engine.fitted == len(SOUND) * 3


@pytest.mark.parametrize("text", UNSOUND)
def test_record_that_cannot_be_cut_is_parsed_and_harms_no_other(text: str) -> None:
    """Whatever stands between two sound records, they are cut, and it is what the interpreter says it is."""
    engine = _engine()
    assert disagreements(engine, as_records([SOUND[0], text, SOUND[1]])) == []
    assert engine.fitted == 2


def test_records_broken_at_any_place_mean_the_same() -> None:
    """Cut off, with a character lost, doubled or changed, among sound ones of the same skeleton."""
    rng = random.Random(3)
    texts = []
    for _ in range(300):
        text = rng.choice(SOUND)
        at = rng.randrange(len(text))
        new = rng.choice(["", text[at] * 2, *'{}[]",:\\0n', "null", "\\\\", '"x"'])
        texts += [text[:at] + new + text[at + 1 :], text[:at], text]
    engine = _engine()
    assert disagreements(engine, as_records(texts)) == []
    assert engine.fitted >= 300


@pytest.mark.parametrize("texts", [['{"a":{}}'], ["{}", "{ }"], ['{"a":[1]}'] * 3, []])
def test_records_without_a_scalar_are_parsed(texts: list[str]) -> None:
    """There is nothing to cut out of them."""
    engine = _engine()
    assert disagreements(engine, as_records(texts)) == []
    assert engine.fitted == 0


def test_blocks_put_together_are_the_batch() -> None:
    """More records than one block takes keep their order and their values."""
    texts = [f'{{{AT},"id":"{number}","n":{number},"rest":{{"of":"{number}"}}}}' for number in range(2 * ROWS + 5)]
    texts[ROWS] = texts[ROWS].replace(",", ", ")
    engine = _engine()
    table = engine.run(as_records(texts), clock=1).tables["base_event"]
    assert table["raw_data"].to_pylist() == texts
    assert table["count"].to_pylist() == list(range(len(texts)))
    assert [json.loads(rest)["rest"]["of"] for rest in table["unmapped"].to_pylist()] == [
        str(n) for n in range(len(texts))
    ]
    assert engine.fitted == len(texts) - 1


def test_skeleton_that_is_rare_among_many_is_not_learned() -> None:
    """Reading a skeleton costs as much as many records; keys that never repeat are left to the parser."""
    engine = DuckEngine(PLAN, threads=1)
    texts = [f'{{{AT},"k{number}":1}}' for number in range(200)]
    assert disagreements(engine, as_records([*texts, *SOUND[:1] * 3])) == []
    assert engine.fitted == 3


def test_slice_of_a_batch_is_taken_apart_alone() -> None:
    """The bytes before a slice are not looked at."""
    text = pa.array(['{"a":"', *SOUND[:1] * 2, "x"], pa.large_string()).slice(1, 2)
    (block,) = blocks(text)
    assert block.rows.tolist() == [0, 1]
    assert len(block.skeletons.dictionary) == 1
