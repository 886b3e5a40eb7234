"""The op `lt`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=comparable,
    operator=True,
    examples=[
        Example(("B", "a"), True, "capitals come first", types=(TEXT, TEXT)),
        Example((2, 1), False, types=(INTEGER, INTEGER)),
        Example((None, 1), None, types=(INTEGER, INTEGER)),
    ],
)
def lt(left: Value, right: Value) -> bool:
    """Whether the left value comes before the right one; text is ordered by code point."""
    return compare(left, right) < 0


@lt.sql
def _sql(left: str, right: str) -> str:
    return f"{left} < {right}"
