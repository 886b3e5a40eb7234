"""The op `ends_with`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    inverse="ends with",
    examples=[
        Example(("s3.amazonaws.com", ".amazonaws.com"), True),
        Example(("a.COM", ".com"), False),
        Example((None, "a"), None),
    ],
)
def ends_with(value: str, end: str) -> bool:
    """Whether a text ends with another; letter case counts."""
    return value.endswith(end)


@ends_with.sql
def _sql(value: str, end: str) -> str:
    return f"ends_with({value}, {end})"
