"""The op `to_json`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import read, write
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import name_text, sql_type
from ocsf_pipe.ops.types import ANY, INTEGER, JSON, TEXT, Type, list_of, object_of


@op(
    takes=(ANY,),
    gives=JSON,
    typed=True,
    examples=[
        Example(("a",), '"a"', types=(TEXT,)),
        Example((["a", None],), '["a",null]', types=(list_of(TEXT),)),
        Example(({"id": "x", "n": 1},), '{"id":"x","n":1}', types=(object_of(id=TEXT, n=INTEGER),)),
        Example(('{"a":1}',), '{"a":1}', "JSON is itself", types=(JSON,)),
        Example((None,), None, types=(TEXT,)),
    ],
)
def to_json(value: Value, *, types: tuple[Type, ...]) -> str:
    """Any value as JSON text."""
    return write(_plain(value, types[0]))


def _plain(value: Value, kind: Type) -> Value:
    if value is None:
        return None
    if kind.kind == "json":
        return read(value)
    if kind.kind == "list":
        return [_plain(item, kind.item or TEXT) for item in value]
    if kind.kind == "object":
        return {name: _plain(value.get(name), of) for name, of in kind.fields}
    return value


def _json_type(kind: Type) -> str:
    """The DuckDB type of a value, its JSON parts typed as JSON."""
    if kind.kind == "list":
        return f"{_json_type(kind.item or TEXT)}[]"
    if kind.kind == "object":
        return "STRUCT(" + ", ".join(f"{name_text(name)} {_json_type(of)}" for name, of in kind.fields) + ")"
    return "JSON" if kind.kind == "json" else sql_type(kind)


@to_json.sql
def _sql(value: str, *, types: tuple[Type, ...]) -> str:
    if types[0] == JSON:
        return value
    written = f"cast(to_json(cast({value} as {_json_type(types[0])})) as varchar)"
    return f"case when {value} is not null then {written} end"
