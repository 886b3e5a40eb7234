"""The op `list_contains`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, common_type, op
from ocsf_pipe.ops.types import ANY, BOOLEAN, INTEGER, TEXT, Type, list_of


def _gives(types: tuple[Type, ...]) -> Type | None:
    item = types[0].item
    return BOOLEAN if types[0].kind == "null" or (item and common_type((item, types[1]))) else None


@op(
    takes=(list_of(ANY), ANY),
    gives=_gives,
    examples=[
        Example((["read", "write"], "write"), True, types=(list_of(TEXT), TEXT)),
        Example(([1, None], 2), False, types=(list_of(INTEGER), INTEGER)),
        Example((None, "a"), None, types=(list_of(TEXT), TEXT)),
    ],
)
def list_contains(items: list[Value], value: Value) -> bool:
    """Whether a value is among those of a list; nulls in the list count for nothing."""
    return value in items


@list_contains.sql
def _sql(items: str, value: str) -> str:
    return f"list_contains({items}, {value})"
