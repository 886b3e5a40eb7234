"""The op `gt`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=comparable,
    operator=True,
    examples=[
        Example((1025, 1024), True, types=(INTEGER, INTEGER)),
        Example(("\uffff", "\U00010000"), False, "by code point", types=(TEXT, TEXT)),
        Example((None, 1), None, types=(INTEGER, INTEGER)),
    ],
)
def gt(left: Value, right: Value) -> bool:
    """Whether the left value comes after the right one."""
    return compare(left, right) > 0


@gt.sql
def _sql(left: str, right: str) -> str:
    return f"{left} > {right}"
