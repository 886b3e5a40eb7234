"""The op `max_of`."""

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
        Example((3, 1, 2), 3, types=(INTEGER, INTEGER, INTEGER)),
        Example((None, 5), 5, "nulls are skipped", types=(TIMESTAMP, TIMESTAMP)),
        Example((None, None), None, types=(INTEGER, INTEGER)),
    ],
)
def max_of(*values: Value) -> Value:
    """The greatest of the values that are not null; null when all are."""
    known = [value for value in values if value is not None]
    return max(known, key=functools.cmp_to_key(compare)) if known else None


@max_of.sql
def _sql(*values: str) -> str:
    return f"greatest({', '.join(values)})"
