"""The op `is_not_null`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, BOOLEAN, INTEGER, TEXT


@op(
    takes=(ANY,),
    gives=BOOLEAN,
    strict=False,
    operator=True,
    examples=[
        Example(("x",), True, types=(TEXT,)),
        Example((None,), False, types=(TEXT,)),
        Example((None,), False, types=(INTEGER,)),
    ],
)
def is_not_null(value: Value) -> bool:
    """Whether there is a value."""
    return value is not None


@is_not_null.sql
def _sql(value: str) -> str:
    return f"{value} is not null"
