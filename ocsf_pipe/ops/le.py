"""The op `le`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, FLOAT, INTEGER


@op(
    takes=(ANY, ANY),
    gives=comparable,
    operator=True,
    examples=[
        Example((1, 1), True, types=(INTEGER, INTEGER)),
        Example((1.5, 1), False, types=(FLOAT, INTEGER)),
        Example((None, 1), None, types=(INTEGER, INTEGER)),
    ],
)
def le(left: Value, right: Value) -> bool:
    """Whether the left value does not come after the right one."""
    return compare(left, right) <= 0


@le.sql
def _sql(left: str, right: str) -> str:
    return f"{left} <= {right}"
