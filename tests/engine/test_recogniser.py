"""What recognises a record says what the interpreter says of the same condition."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from ocsf_pipe.engine.evaluate import evaluate
from ocsf_pipe.engine.recogniser import Recogniser, recogniser_of
from ocsf_pipe.engine.reference import row_of, whole_of
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
    assert Recogniser(_plan(recognise)).possible(set(keys)) is expected


def test_a_plan_that_does_not_say_recognises_nothing() -> None:
    """No record is its own."""
    plan = compile_text(mapping())
    assert not Recogniser(plan).takes({"a": "x"}, columnar=False)


@pytest.mark.parametrize(
    ("record", "expected"),
    [('{"a": "x"}', True), ('{"b": "y"}', False), ('{"b": "y", "c": 1}', True), ("{}", False), ('{"a": null}', False)],
)
def test_a_condition_holds_where_it_is_true(record: str, *, expected: bool) -> None:
    """What is null or false alike makes an `and` not hold."""
    plan = _plan("a = 'x' or (b = 'y' and c is not null)")
    assert Recogniser(plan).takes(json.loads(record), columnar=False) is _by_the_book(plan, record) is expected


def _by_the_book(plan: Plan, record: str) -> bool:
    """What the interpreter says of the condition."""
    row = row_of(plan, _records(record), 0)
    return row is not None and plan.recognise is not None and evaluate(plan.recognise, row) is True


def test_a_column_of_text_has_no_parts() -> None:
    """Where the records are columns, `a.b` is null."""
    plan = _plan("a.b = 'x'")
    assert Recogniser(plan).takes({"a": {"b": "x"}}, columnar=False)
    assert not Recogniser(plan).takes({"a": '{"b": "x"}'}, columnar=True)
    assert Recogniser(_plan("a = 'x'")).takes({"a": "x"}, columnar=True)


@pytest.mark.parametrize("name", catalogue())
def test_every_sample_is_recognised_by_the_book(name: str) -> None:
    """Every line of every JSON sample, of all mappings."""
    plan = catalogue()[name].head.recogniser
    lines = {line for path in SAMPLES for line in path.read_text("utf-8", "replace").splitlines()}
    wrong = []
    for line in lines:
        whole = whole_of(_records(line), 0)
        if not isinstance(whole, str) and recogniser_of(plan).takes(whole, columnar=False) != _by_the_book(plan, line):
            wrong.append(line[:80])
    assert wrong == []
