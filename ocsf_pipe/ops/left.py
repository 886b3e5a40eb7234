"""The op `left`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT, INTEGER),
    gives=TEXT,
    examples=[Example(("abcdef", 2), "ab"), Example(("ab", 5), "ab"), Example(("ab", -1), None)],
)
def left(value: str, count: int) -> str | None:
    """The first characters of a text; null when the count is negative."""
    return value[:count] if count >= 0 else None


@left.sql
def _sql(value: str, count: str) -> str:
    return f'"left"({value}, case when {count} >= 0 then least({count}, 4294967295) end)'
