"""The op `list_distinct`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, list_of


@op(
    takes=(list_of(ANY),),
    gives=lambda types: types[0],
    examples=[
        Example((["b", "a", "b", None],), ["b", "a"], types=(list_of(TEXT),)),
        Example(([2, 1, 2],), [2, 1], types=(list_of(INTEGER),)),
        Example((None,), None, types=(list_of(TEXT),)),
    ],
)
def list_distinct(items: list[Value]) -> list[Value]:
    """The elements of a list without repetitions and nulls, each where it came first."""
    return list(dict.fromkeys(item for item in items if item is not None))


@list_distinct.sql
def _sql(items: str) -> str:
    return f"list_filter({items}, lambda x, i: x is not null and list_position({items}, x) = i)"
