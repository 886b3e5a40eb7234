"""The op `json_list`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import JSON, TEXT, list_of


@op(
    takes=(TEXT,),
    document=True,
    gives=list_of(JSON),
    examples=[
        Example(('[1,{"a":2}]',), ["1", '{"a":2}']),
        Example(('["x",null]',), ['"x"', None], "a JSON null is null"),
        Example(("[]",), []),
        Example(('{"a":1}',), None, "an object is no list"),
    ],
)
def json_list(value: str) -> list[str | None] | None:
    """The elements of a JSON list, each as JSON; null when the text is no JSON list."""
    found = read_or_none(value)
    if not isinstance(found, list):
        return None
    return [None if item is None else write(item) for item in found]


@json_list.sql
def _sql(value: str) -> str:
    return f"cast(try(from_json({value}, '[\"JSON\"]')) as varchar[])"
