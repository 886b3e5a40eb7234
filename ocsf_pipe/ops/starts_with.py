"""The op `starts_with`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    inverse="starts with",
    examples=[
        Example(("user.session.start", "user."), True),
        Example(("User", "user"), False),
        Example(("a", ""), True),
        Example((None, "a"), None),
    ],
)
def starts_with(value: str, start: str) -> bool:
    """Whether a text begins with another; letter case counts."""
    return value.startswith(start)


@starts_with.sql
def _sql(value: str, start: str) -> str:
    return f"starts_with({value}, {start})"
