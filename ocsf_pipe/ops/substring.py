"""The op `substring`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT, INTEGER, INTEGER),
    gives=TEXT,
    optional=1,
    examples=[
        Example(("abcdef", 3), "cdef"),
        Example(("abcdef", 3, 2), "cd"),
        Example(("abc", 9), "", "beyond the end"),
        Example(("abc", 0), None, "the first character is 1"),
        Example(("abc", 1, -1), None),
    ],
)
def substring(value: str, start: int, count: int = 2**32 - 1) -> str | None:
    """The text from a position on (1 is the first), of at most `count` characters; null when either is out of range."""
    return value[start - 1 : start - 1 + count] if start >= 1 and count >= 0 else None


@substring.sql
def _sql(value: str, start: str, count: str = "4294967295") -> str:
    first, most = f"least({start}, 4294967295)", f"least({count}, 4294967295)"  # what `substring` can count to
    return f"case when {start} >= 1 and {count} >= 0 then substring({value}, {first}, {most}) end"
