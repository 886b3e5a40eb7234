"""The op `regex_extract`."""

from __future__ import annotations

from ocsf_pipe.ops.regex_text import compiled, complaint
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_integer
from ocsf_pipe.ops.types import INTEGER, TEXT


def _complaint(_value: Value, pattern: str | None, group: int | None = None) -> str | None:
    fact = complaint(_value, pattern)
    if fact or pattern is None or group is None or 0 <= group <= compiled(pattern).groups:
        return fact
    return f"`{pattern}` has no group {group}"


@op(
    takes=(TEXT, TEXT, INTEGER),
    gives=TEXT,
    optional=1,
    constant=(1, 2),
    complaint=_complaint,
    examples=[
        Example(("arn:aws:iam::123456789012:user/ann", "::([0-9]{12}):", 1), "123456789012"),
        Example(("id=42;", "[0-9]+"), "42", "the whole match"),
        Example(("abc", "x(.*)y", 1), None, "no match"),
        Example(("ab", "(a)|(b)", 2), None, "the group took no part"),
        Example(("user\t7", r"\w+\s\d$", 0), "user\t7"),
    ],
)
def regex_extract(value: str, pattern: str, group: int = 0) -> str | None:
    """What a regular expression, or one group of it, matches first; null when that is nothing or the empty text."""
    found = compiled(pattern).search(value)
    return (found[group] or None) if found else None


@regex_extract.sql
def _sql(value: str, pattern: str, group: str = "0") -> str:
    return f"nullif(regexp_extract({value}, {pattern}, {constant_integer(group)}), '')"
