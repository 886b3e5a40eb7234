"""The op `right`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT, INTEGER),
    gives=TEXT,
    examples=[Example(("abcdef", 2), "ef"), Example(("ab", 5), "ab"), Example(("ab", -1), None)],
)
def right(value: str, count: int) -> str | None:
    """The last characters of a text; null when the count is negative."""
    if count < 0:
        return None
    return value[-count:] if count else ""


@right.sql
def _sql(value: str, count: str) -> str:
    return f'"right"({value}, case when {count} >= 0 then least({count}, 4294967295) end)'
