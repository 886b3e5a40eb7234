"""The op `eq`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, FLOAT, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=comparable,
    operator=True,
    inverse="equals",
    examples=[
        Example(("a", "a"), True, types=(TEXT, TEXT)),
        Example((1, 1.0), True, "as floats", types=(INTEGER, FLOAT)),
        Example(("a", "A"), False, types=(TEXT, TEXT)),
        Example((None, "a"), None, "null is not known to equal anything", types=(TEXT, TEXT)),
    ],
)
def eq(left: Value, right: Value) -> bool:
    """Whether two values of one type are equal; text is compared by code point."""
    return compare(left, right) == 0


@eq.sql
def _sql(left: str, right: str) -> str:
    return f"{left} = {right}"
