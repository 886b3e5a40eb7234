"""The op `coalesce`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, common_type, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY, ANY),
    gives=common_type,
    variadic=True,
    strict=False,
    examples=[
        Example((None, "b", "c"), "b", types=(TEXT, TEXT, TEXT)),
        Example((None, 0), 0, types=(INTEGER, INTEGER)),
        Example((None, None), None, types=(TEXT, TEXT)),
    ],
)
def coalesce(*values: Value) -> Value:
    """The first value that is not null; null when all are."""
    return next((value for value in values if value is not None), None)


@coalesce.sql
def _sql(*values: str) -> str:
    return f"coalesce({', '.join(values)})"
