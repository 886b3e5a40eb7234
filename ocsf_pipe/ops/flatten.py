"""The op `flatten`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, Type, list_of


def _inner(types: tuple[Type, ...]) -> Type | None:
    """The type of the inner lists; None where the elements are no lists."""
    item = types[0].item
    return item if item is not None and item.kind == "list" else None


LISTS = list_of(list_of(TEXT))


@op(
    takes=(list_of(list_of(ANY)),),
    gives=_inner,
    examples=[
        Example(([["a"], ["b", "c"]],), ["a", "b", "c"], types=(LISTS,)),
        Example(([["a"], None],), ["a"], "a null list holds nothing", types=(LISTS,)),
        Example(([[1], []],), [1], types=(list_of(list_of(INTEGER)),)),
        Example((None,), None, types=(LISTS,)),
    ],
)
def flatten(items: list[list[Value] | None]) -> list[Value]:
    """The elements of the lists in a list, one after the other."""
    return [item for inner in items if inner is not None for item in inner]


@flatten.sql
def _sql(items: str) -> str:
    return f"flatten({items})"
