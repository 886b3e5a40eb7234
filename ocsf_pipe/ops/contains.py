"""The op `contains`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    inverse="contains",
    examples=[
        Example(("powershell -enc AAAA", " -enc "), True),
        Example(("abc", "B"), False, "letter case counts"),
        Example((None, "a"), None),
    ],
)
def contains(value: str, part: str) -> bool:
    """Whether a text has another within it; letter case counts."""
    return part in value


@contains.sql
def _sql(value: str, part: str) -> str:
    return f"contains({value}, {part})"
