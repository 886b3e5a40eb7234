"""The op `in_`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=comparable,
    variadic=True,
    strict=False,
    operator=True,
    inverse="one of",
    examples=[
        Example(("b", "a", "b"), True, types=(TEXT, TEXT, TEXT)),
        Example((3, 1, 2), False, types=(INTEGER, INTEGER, INTEGER)),
        Example((3, 1, None), None, "null might be 3", types=(INTEGER, INTEGER, INTEGER)),
        Example((None, "a"), None, types=(TEXT, TEXT)),
    ],
)
def in_(value: Value, *items: Value) -> bool | None:
    """Whether a value equals one of the others; null when it is null, or when only a null could still equal it."""
    if value is None:
        return None
    if any(item is not None and compare(value, item) == 0 for item in items):
        return True
    return None if None in items else False


@in_.sql
def _sql(value: str, *items: str) -> str:
    return f"{value} in ({', '.join(items)})"
