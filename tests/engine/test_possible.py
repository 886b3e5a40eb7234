"""Mappings that are ruled out by the keys of a record are those that do not recognise it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ocsf_pipe.engine.evaluate import evaluate, is_true
from ocsf_pipe.engine.possible import may_recognise
from ocsf_pipe.engine.reference import row_from, whole_of
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.mapping.compile import compile_text
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.source import Records
from tests.mapping.events import mapping

SAMPLES = [path for one in catalogue().values() for path in sorted((one.path.parent / "samples").glob("*.input.*json"))]


def _plan(recognise: str) -> Plan:
    return compile_text(mapping().replace("format: json", f'format: json, recognise: "{recognise}"', 1))


def _records(text: str) -> Records:
    one = pa.array([0], pa.int64())
    return Records(raw=pa.array([text], pa.large_string()), position=one, sub=one, end=1)


@pytest.mark.parametrize(
    ("recognise", "keys", "expected"),
    [
        ("a = 'x'", "a", True),
        ("a = 'x'", "b", False),
        ("a.b is not null and c is not null", "a", False),
        ("a.b is not null and c is not null", "ac", True),
        ("a = 'x' or b in ('y', 'z')", "b", True),
        ("a = 'x' or b in ('y', 'z')", "c", False),
        ("starts_with(coalesce(a, b), 'x')", "b", True),
        ("starts_with(coalesce(a, b), 'x')", "c", False),
        ("a is null and b = 'x'", "b", True),
        ("not coalesce(a = 'x', false)", "", True),
        ("a[0].b = 'x'", "b", False),
        ("case when a = 'x' then b = 'y' end", "", True),
    ],
)
def test_what_needs_a_key_that_is_not_there_cannot_hold(recognise: str, keys: str, *, expected: bool) -> None:
    """`keys` are those of the record, a letter each; where it cannot be told, it may."""
    assert may_recognise(_plan(recognise), set(keys)) is expected


def test_a_plan_that_does_not_say_recognises_nothing() -> None:
    """No record is its own."""
    assert not may_recognise(compile_text(mapping()), {"a"})


@pytest.mark.parametrize(
    ("record", "expected"),
    [('{"a": "x"}', True), ('{"b": "y"}', False), ('{"b": "y", "c": 1}', True), ("{}", False), ('{"a": null}', False)],
)
def test_a_condition_holds_where_it_is_true(record: str, *, expected: bool) -> None:
    """What is null or false alike makes an `and` not hold."""
    plan = _plan("a = 'x' or (b = 'y' and c is not null)")
    records = _records(record)
    whole = whole_of(records, 0)
    assert plan.recognise is not None
    assert not isinstance(whole, str)
    row = row_from(plan, records, 0, whole)
    assert is_true(plan.recognise, row) is (evaluate(plan.recognise, row) is True) is expected


@pytest.mark.parametrize("name", catalogue())
def test_no_mapping_is_ruled_out_that_recognises_a_sample(name: str) -> None:
    """Every line of every JSON sample, asked whole and by its keys."""
    plan = catalogue()[name].head.recogniser
    if plan.recognise is None:
        pytest.skip("tells no records")
    overlooked = []
    for path in SAMPLES:
        for line in path.read_text("utf-8", "replace").splitlines():
            records = _records(line)
            whole = whole_of(records, 0)
            if isinstance(whole, str) or may_recognise(plan, whole.keys()):
                continue
            if evaluate(plan.recognise, row_from(plan, records, 0, whole)) is True:
                overlooked.append(path.name)
    assert overlooked == []
