"""The op `list_last`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, list_of


@op(
    takes=(list_of(ANY),),
    gives=lambda types: types[0].item or TEXT,
    examples=[
        Example((["a", "b"],), "b", types=(list_of(TEXT),)),
        Example(([1, 2],), 2, types=(list_of(INTEGER),)),
        Example(([],), None, types=(list_of(TEXT),)),
    ],
)
def list_last(items: list[Value]) -> Value:
    """The last element of a list; null when it has none."""
    return items[-1] if items else None


@list_last.sql
def _sql(items: str) -> str:
    return f"list_extract({items}, -1)"
