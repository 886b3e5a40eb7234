"""The op `ne`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=comparable,
    operator=True,
    examples=[
        Example(("a", "b"), True, types=(TEXT, TEXT)),
        Example((1, 1), False, types=(INTEGER, INTEGER)),
        Example((None, "a"), None, types=(TEXT, TEXT)),
    ],
)
def ne(left: Value, right: Value) -> bool:
    """Whether two values of one type differ."""
    return compare(left, right) != 0


@ne.sql
def _sql(left: str, right: str) -> str:
    return f"{left} <> {right}"
