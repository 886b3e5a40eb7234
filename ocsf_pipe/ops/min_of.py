"""The op `min_of`."""

from __future__ import annotations

import functools

from ocsf_pipe.ops.ordering import compare, ordered
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TIMESTAMP


@op(
    takes=(ANY, ANY),
    gives=ordered,
    variadic=True,
    strict=False,
    examples=[
        Example((3, 1, 2), 1, types=(INTEGER, INTEGER, INTEGER)),
        Example((None, 5), 5, "nulls are skipped", types=(TIMESTAMP, TIMESTAMP)),
        Example((None, None), None, types=(INTEGER, INTEGER)),
    ],
)
def min_of(*values: Value) -> Value:
    """The least of the values that are not null; null when all are."""
    known = [value for value in values if value is not None]
    return min(known, key=functools.cmp_to_key(compare)) if known else None


@min_of.sql
def _sql(*values: str) -> str:
    return f"least({', '.join(values)})"
