"""The op `regex_matches`."""

from __future__ import annotations

from ocsf_pipe.ops.regex_text import compiled, complaint
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    constant=(1,),
    complaint=complaint,
    inverse="matches",
    examples=[
        Example(("user.session.start", r"^user\.(session|mfa)\."), True),
        Example(("a\n", "a$"), False, "`$` is the very end"),
        Example(("\u0663", r"\d"), False, "`\\d` is 0-9"),
        Example(("ABC", "(?i)b"), True),
        Example((None, "a"), None),
    ],
)
def regex_matches(value: str, pattern: str) -> bool:
    """Whether a regular expression (RE2) matches anywhere in a text."""
    return compiled(pattern).search(value) is not None


@regex_matches.sql
def _sql(value: str, pattern: str) -> str:
    return f"regexp_matches({value}, {pattern})"
