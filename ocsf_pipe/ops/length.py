"""The op `length`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT,),
    gives=INTEGER,
    examples=[Example(("abc",), 3), Example(("é\U0001f600",), 2, "code points"), Example((None,), None)],
)
def length(value: str) -> int:
    """The number of characters (Unicode code points) of a text."""
    return len(value)


@length.sql
def _sql(value: str) -> str:
    return f"length({value})"
