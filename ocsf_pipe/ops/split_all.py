"""The op `split_all`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT, list_of


@op(
    takes=(TEXT, TEXT),
    gives=list_of(TEXT),
    examples=[
        Example(("read,write", ","), ["read", "write"]),
        Example(("", ","), [""]),
        Example(("abc", ""), None, "no separator"),
    ],
)
def split_all(value: str, separator: str) -> list[str] | None:
    """All parts of a text cut at a separator; null when the separator is empty."""
    return value.split(separator) if separator else None


@split_all.sql
def _sql(value: str, separator: str) -> str:
    return f"case when {separator} <> '' then string_split({value}, {separator}) end"
