"""The op `redact`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT


@op(
    takes=(ANY,),
    gives=TEXT,
    examples=[
        Example(("hunter2",), "[redacted]", types=(TEXT,)),
        Example((4111,), "[redacted]", types=(INTEGER,)),
        Example((None,), None, "that there is none is no secret", types=(TEXT,)),
    ],
)
def redact(value: Value) -> str:  # noqa: ARG001 (that is the point)
    """The text `[redacted]` in place of any value."""
    return "[redacted]"


@redact.sql
def _sql(value: str) -> str:
    return f"case when {value} is not null then '[redacted]' end"
