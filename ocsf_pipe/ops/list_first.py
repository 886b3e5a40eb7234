"""The op `list_first`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, list_of


@op(
    takes=(list_of(ANY),),
    gives=lambda types: types[0].item or TEXT,
    examples=[
        Example((["a", "b"],), "a", types=(list_of(TEXT),)),
        Example(([None, 2],), None, "whatever it is", types=(list_of(INTEGER),)),
        Example(([],), None, types=(list_of(TEXT),)),
    ],
)
def list_first(items: list[Value]) -> Value:
    """The first element of a list; null when it has none."""
    return items[0] if items else None


@list_first.sql
def _sql(items: str) -> str:
    return f"list_extract({items}, 1)"
