"""The op `list_length`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, list_of


@op(
    takes=(list_of(ANY),),
    gives=INTEGER,
    examples=[
        Example((["a", None],), 2, types=(list_of(TEXT),)),
        Example(([],), 0, types=(list_of(TEXT),)),
        Example((None,), None, types=(list_of(TEXT),)),
    ],
)
def list_length(items: list[Value]) -> int:
    """The number of elements of a list, nulls counted."""
    return len(items)


@list_length.sql
def _sql(items: str) -> str:
    return f"len({items})"
