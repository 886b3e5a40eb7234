"""The op `entries`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import JSON, TEXT, list_of, object_of

ENTRY = object_of(key=TEXT, value=JSON)


@op(
    takes=(TEXT,),
    document=True,
    gives=list_of(ENTRY),
    examples=[
        Example(('{"a":1,"b":"x"}',), [{"key": "a", "value": "1"}, {"key": "b", "value": '"x"'}], types=(JSON,)),
        Example(('{"a":null}',), [{"key": "a", "value": None}], "a JSON null is null", types=(JSON,)),
        Example(("{}",), [], types=(JSON,)),
        Example(("[1]",), None, "a list has no keys", types=(JSON,)),
    ],
)
def entries(value: str) -> list[dict[str, str | None]] | None:
    """The members of a JSON object as {key, value} in their order; null when it is no JSON object."""
    found = read_or_none(value)
    if not isinstance(found, dict):
        return None
    return [{"key": key, "value": None if inner is None else write(inner)} for key, inner in found.items()]


@entries.sql
def _sql(value: str) -> str:
    pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
    keys = f"json_keys({value})"
    # of two members of one key the first counts, as in the record's reader
    once = f"list_filter({keys}, lambda k, i: list_position({keys}, k) = i)"
    found = f"nullif(cast(json_extract({value}, {pointer}) as varchar), 'null')"
    listed = f"list_transform({once}, lambda k: {{'key': k, 'value': {found}}})"
    return f"try(case when json_type({value}) = 'OBJECT' then {listed} end)"
