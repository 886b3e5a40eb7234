"""The op `split`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT, TEXT, INTEGER),
    gives=TEXT,
    examples=[
        Example(("ann@acme.example", "@", 1), "ann"),
        Example(("a/b/c", "/", -1), "c", "from the end"),
        Example(("ann", "@", 2), None, "no such part"),
        Example(("abc", "", 1), None, "no separator"),
    ],
)
def split(value: str, separator: str, position: int) -> str | None:
    """One part of a text cut at a separator: 1 is the first, -1 the last; null when there is no such part."""
    parts = value.split(separator) if separator else []
    if position == 0 or not -len(parts) <= position <= len(parts):
        return None
    return parts[position - 1 if position > 0 else position]


@split.sql
def _sql(value: str, separator: str, position: str) -> str:
    return f"list_extract(case when {separator} <> '' then string_split({value}, {separator}) end, {position})"
