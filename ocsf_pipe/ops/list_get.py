"""The op `list_get`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, list_of


@op(
    takes=(list_of(ANY), INTEGER),
    gives=lambda types: types[0].item or TEXT,
    examples=[
        Example((["a", "b"], 2), "b", types=(list_of(TEXT), INTEGER)),
        Example((["a", "b"], -2), "a", "from the end", types=(list_of(TEXT), INTEGER)),
        Example((["a"], 0), None, "the first is 1", types=(list_of(TEXT), INTEGER)),
    ],
)
def list_get(items: list[Value], position: int) -> Value:
    """One element of a list: 1 is the first, -1 the last; null when there is no such element."""
    if position == 0 or not -len(items) <= position <= len(items):
        return None
    return items[position - 1 if position > 0 else position]


@list_get.sql
def _sql(items: str, position: str) -> str:
    return f"list_extract({items}, {position})"
