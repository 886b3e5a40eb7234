"""The op `replace`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT, TEXT, TEXT),
    gives=TEXT,
    examples=[
        Example(("a-b-c", "-", ""), "abc"),
        Example(("abc", "", "x"), "abc", "nothing to look for"),
        Example(("abc", None, "x"), None),
    ],
)
def replace(value: str, old: str, new: str) -> str:
    """The text with every occurrence of one text replaced by another."""
    return value.replace(old, new) if old else value


@replace.sql
def _sql(value: str, old: str, new: str) -> str:
    return f"replace({value}, {old}, {new})"
