"""Every op means the same in Python and in DuckDB: on its own examples, and on text that is nearly one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from ocsf_pipe.ops import OPS, Example, Op, Type, literal
from tests.ops.near import argument_types, arrow_type, near_calls, same

CASES = [(name, number) for name, op in OPS.items() for number in range(len(op.examples))]
CONNECTION = duckdb.connect()
_FEW = settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def in_duckdb(op: Op, calls: Sequence[tuple[Any, ...]], types: tuple[Type, ...]) -> list[Any]:
    """What the SQL form gives for many calls with the same constants, their arguments being columns of a table."""
    columns = [f"a{i}" for i in range(len(types))]
    args = [literal(calls[0][i], kind) if i in op.constant else columns[i] for i, kind in enumerate(types)]
    arrays = [pa.array([call[i] for call in calls], arrow_type(kind)) for i, kind in enumerate(types)]
    table = pa.Table.from_arrays([pa.array(range(len(calls))), *arrays], names=["row", *columns])
    CONNECTION.register("calls", table)
    sql = f"select {op.to_sql(args, types)} from calls order by row"
    return [row[0] for row in CONNECTION.execute(sql).fetchall()]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_an_example_holds_in_python(name: str, number: int) -> None:
    """The Python form gives what the example says, in the type that the op says."""
    op, example = OPS[name], OPS[name].examples[number]
    types = argument_types(op, example)
    assert op.accepts(types)
    assert same(op.call(example.args, types), example.gives, op.result(types))


@pytest.mark.parametrize(("name", "number"), CASES)
def test_an_example_holds_in_sql_with_constant_arguments(name: str, number: int) -> None:
    """The SQL form over literals gives what the example says."""
    op, example = OPS[name], OPS[name].examples[number]
    types = argument_types(op, example)
    sql = op.to_sql([literal(value, kind) for value, kind in zip(example.args, types, strict=True)], types)
    found = CONNECTION.execute(f"select {sql}").fetchall()[0][0]
    assert same(found, example.gives, op.result(types)), sql


@pytest.mark.parametrize(("name", "number"), CASES)
def test_an_example_holds_in_sql_over_columns(name: str, number: int) -> None:
    """The SQL form over columns of many rows, nulls among them, gives what the example says on each."""
    op, example = OPS[name], OPS[name].examples[number]
    types = argument_types(op, example)
    nulls = tuple(None if i not in op.constant else value for i, value in enumerate(example.args))
    found = in_duckdb(op, [example.args, nulls] * 3, types)
    wanted = [example.gives, op.call(nulls, types)] * 3
    assert all(same(a, b, op.result(types)) for a, b in zip(found, wanted, strict=True)), (found, wanted)


@pytest.mark.parametrize("name", list(OPS))
def test_both_forms_agree_on_near_examples(name: str) -> None:
    """On examples with a few characters changed, the Python form and the SQL form give the same, and neither raises."""
    op = OPS[name]

    @_FEW
    @given(near_calls(op))
    def agree(drawn: tuple[Example, list[tuple[Any, ...]]]) -> None:
        example, calls = drawn
        types = argument_types(op, example)
        found = in_duckdb(op, calls, types)
        for call, value in zip(calls, found, strict=True):
            wanted = op.call(call, types)
            assert same(value, wanted, op.result(types)), (call, f"SQL {value!r}", f"Python {wanted!r}")

    agree()
