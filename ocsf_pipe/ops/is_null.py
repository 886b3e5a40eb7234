"""The op `is_null`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, BOOLEAN, INTEGER, TEXT


@op(
    takes=(ANY,),
    gives=BOOLEAN,
    strict=False,
    operator=True,
    examples=[
        Example((None,), True, types=(TEXT,)),
        Example(("",), False, "the empty text is a value", types=(TEXT,)),
        Example((0,), False, types=(INTEGER,)),
    ],
)
def is_null(value: Value) -> bool:
    """Whether there is no value."""
    return value is None


@is_null.sql
def _sql(value: str) -> str:
    return f"{value} is null"
