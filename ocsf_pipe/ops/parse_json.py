"""The op `parse_json`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import JSON, TEXT


@op(
    takes=(TEXT,),
    document=True,
    gives=JSON,
    fails=True,
    examples=[
        Example(('{ "a": [1, 2.50] }',), '{"a":[1,2.5]}'),
        Example(('"text"',), '"text"'),
        Example(("null",), None),
        Example(("{a: 1}",), None),
    ],
)
def parse_json(value: str) -> str | None:
    """Read a JSON document, written back without spaces; null when the text is none, or is `null`."""
    found = read_or_none(value)
    return None if found is None else write(found)


@parse_json.sql
def _sql(value: str) -> str:
    return f"try(cast(from_json({value}, '\"JSON\"') as varchar))"
